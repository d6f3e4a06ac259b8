"""Files and directories at URLs that fsspec knows (s3://…): fetched, and sent so that no half-sent one counts.

Knows nothing of what is in them. fsspec is imported when a URL is met; other commands do without it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from model.errors import BertwatchError, InputError, SurroundingsError


def is_remote(place: str) -> bool:
    return "://" in place


@contextmanager
def local_file(place: str) -> Iterator[Path]:
    """A path as it is; a URL as a file of the same name, which is gone afterwards."""
    if not is_remote(place):
        yield Path(place).expanduser()
        return
    with tempfile.TemporaryDirectory(prefix="bertwatch-") as held:
        path = Path(held) / (PurePosixPath(place.split("?", 1)[0]).name or "file")
        with _spoken(place, "read"):
            import fsspec

            with fsspec.open(place, "rb") as file, path.open("wb") as here:
                shutil.copyfileobj(file, here)
        yield path


@contextmanager
def local_directory(place: str) -> Iterator[Path]:
    """A path as it is; the files of a URL in a directory of the same name, which is gone afterwards."""
    if not is_remote(place):
        yield Path(place).expanduser()
        return
    with tempfile.TemporaryDirectory(prefix="bertwatch-") as held:
        path = Path(held) / (place.rstrip("/").rpartition("/")[2] or "directory")
        path.mkdir()
        with _spoken(place, "read"):
            store, root = _open(place)
            for found in store.find(root):
                target = path / PurePosixPath(found).relative_to(root)
                target.parent.mkdir(parents=True, exist_ok=True)
                store.get_file(found, str(target))
        if not any(path.iterdir()):
            raise InputError(f"There is nothing at {place}.")
        yield path


@contextmanager
def workplace(output: str, last: str) -> Iterator[Path]:
    """Where to make a directory that is to lie at `output`: a path itself, or one that `send` brings to a URL.

    Raises InputError where it is there already: at a URL, where `last`, the file that makes it whole, is.
    """
    if not is_remote(output):
        path = Path(output).expanduser()
        if path.exists():
            raise InputError(f"{output} exists already; choose another --output.")
        yield path
        return
    with _spoken(output, "written"):
        store, root = _open(output)
        store.ls(root.partition("/")[0])  # a bucket that is not there, or not ours, is seen before any work
        if store.exists(f"{root}/{last}"):
            raise InputError(f"{output} exists already; choose another --output.")
    with tempfile.TemporaryDirectory(prefix="bertwatch-") as held:
        yield Path(held) / (root.rpartition("/")[2] or "directory")


def send(directory: Path, output: str, last: str) -> None:
    """Bring what was made in a `workplace` to its URL, the file `last` at the end; nothing to do for a path."""
    if not is_remote(output):
        return
    files = [path for path in sorted(directory.rglob("*")) if path.is_file()]
    with _spoken(output, "written"):
        store, root = _open(output)
        for path in sorted(files, key=lambda path: path == directory / last):
            store.put_file(str(path), f"{root}/{path.relative_to(directory).as_posix()}")


def _open(url: str) -> tuple[Any, str]:
    """The store and the path in it; what it knew of earlier listings forgotten."""
    import fsspec

    store, root = fsspec.core.url_to_fs(url.rstrip("/"))
    store.invalidate_cache()
    return store, root


@contextmanager
def _spoken(url: str, done: str) -> Iterator[None]:
    """Each store has its own family of errors: the one sentence for whatever comes."""
    try:
        yield
    except BertwatchError:
        raise
    except ImportError:
        raise SurroundingsError(f"{url} needs the extra s3: pip install 'bertwatch[s3]'.") from None
    except FileNotFoundError:
        lacks = "There is nothing at" if done == "read" else "There is no such bucket:"
        raise InputError(f"{lacks} {url}.") from None
    except PermissionError:
        raise SurroundingsError(f"{url} cannot be {done}: access is denied; check the credentials.") from None
    except ValueError:
        raise InputError(f"{url} is no URL that can be {done}; give a path or an s3:// URL.") from None
    except Exception as error:  # noqa: BLE001 - whatever a store raises
        raise SurroundingsError(
            f"{url} cannot be {done} ({type(error).__name__}); check credentials and network."
        ) from None
