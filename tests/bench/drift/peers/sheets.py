"""How a peer is asked: a folder with baselines and windows as Parquet in, one answer as JSON out, in a process of its
own environment. An environment that cannot be made is said so in the table."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from model.prediction import PROJECTION_SIZE
from monitors.window import Window

Say = Callable[[str], None]
SCRIPTS = Path(__file__).parent
SILENT = {"DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Peer:
    """A program that is compared with ours."""

    name: str
    script: str
    needs: tuple[str, ...]
    source: str | None = None
    """A package whose wheel is of no use; the package folder is taken out of its sdist."""
    fewest: int = 50
    """Smallest window that it is asked about."""


PEERS: dict[str, Peer] = {
    "evidently": Peer("Evidently 0.7.23", "evidently_script.py", ("evidently==0.7.23", "pandas>=2.3,<3.1", "pyarrow")),
    "nannyml": Peer("NannyML 0.13.1", "nannyml_script.py", ("nannyml==0.13.1", "statsmodels", "pyarrow")),
    "driftlens": Peer(
        "DriftLens 0.1.4",
        "driftlens_script.py",
        ("numpy<2.3", "scikit-learn", "matplotlib", "pandas", "scipy", "tqdm", "pyarrow"),
        source="driftlens==0.1.4",
        fewest=200,
    ),
}


def install(key: str, work: Path, say: Say) -> str | None:
    """Make the peer's environment where it is missing. What went wrong, in a sentence; None where all is well."""
    peer, home = PEERS[key], work / key
    mark = home / ".made"
    if mark.exists():
        return None
    say(f"installing {peer.name} into {home}")
    python = home / "bin" / "python"
    try:
        subprocess.run([sys.executable, "-m", "venv", home], check=True, capture_output=True)
        _pip(python, "install", *peer.needs)
        if peer.source is not None:
            _from_source(peer.source, python, home)
    except subprocess.CalledProcessError as error:
        last = (error.stderr or b"").decode(errors="replace").strip().splitlines()[-1:]
        return f"{peer.name} could not be installed: {last[0] if last else error}"
    mark.touch()
    return None


def _pip(python: Path, *arguments: str | Path) -> None:
    command = [python, "-m", "pip", arguments[0], "--quiet", "--disable-pip-version-check", *arguments[1:]]
    subprocess.run(command, check=True, capture_output=True)


def _from_source(requirement: str, python: Path, home: Path) -> None:
    """The package folder of an sdist, without its build: it pins a matplotlib that no longer builds."""
    with tempfile.TemporaryDirectory() as held:
        archive = "import pip._internal.cli.main as m, sys; sys.exit(m.main(sys.argv[1:]))"
        command = [python, "-c", archive, "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
        environment = {**os.environ, "SETUPTOOLS_USE_DISTUTILS": "stdlib"}
        subprocess.run([*command, requirement, "--dest", held], check=True, capture_output=True, env=environment)
        (sdist,) = Path(held).glob("*.tar.gz")
        with tarfile.open(sdist) as packed:
            packed.extractall(held, filter="data")
        name = requirement.partition("==")[0]
        (package,) = Path(held).glob(f"*/{name}")
        (packages,) = (home / "lib").glob("python3*/site-packages")
        shutil.copytree(package, packages / name, dirs_exist_ok=True)


def ask(key: str, work: Path, groups: Sequence[tuple[Window, Sequence[Window]]]) -> dict[str, Any]:
    """What the peer says of every window, in the order of the groups: each a baseline with its windows."""
    with tempfile.TemporaryDirectory(dir=work) as held:
        folder = Path(held)
        model = groups[0][0].model
        frames = [_frame(base).assign(group=at) for at, (base, _) in enumerate(groups)]
        pd.concat(frames).to_parquet(folder / "reference.parquet")
        frames = [
            _frame(window).assign(group=at, window=number)
            for at, (_, windows) in enumerate(groups)
            for number, window in enumerate(windows)
        ]
        pd.concat(frames).to_parquet(folder / "windows.parquet")
        scores = [f"score_{label}" for label in model.labels]
        columns = {
            "numbers": [*scores, "confidence", *model.features],
            "classes": ["predicted"],
            "embedding": [f"p{at}" for at in range(PROJECTION_SIZE)],
            "labels": list(model.labels),
        }
        (folder / "columns.json").write_text(json.dumps(columns))
        done = subprocess.run(
            [work / key / "bin" / "python", SCRIPTS / PEERS[key].script, folder],
            env={**os.environ, **SILENT},
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{key}: {done.stderr.decode(errors='replace')[-2000:]}")
        return dict(json.loads((folder / "answer.json").read_text()))


def _frame(window: Window) -> pd.DataFrame:
    """What a peer is given of each row: everything that our checks look at, and in a baseline the truth."""
    model, names = window.model, np.array(window.model.labels)
    rows = np.arange(len(window))
    return pd.DataFrame(
        {
            **{f"score_{label}": window.scores[:, at] for at, label in enumerate(model.labels)},
            "confidence": window.scores[rows, window.predicted],
            "predicted": names[window.predicted],
            "label": np.where(window.truth >= 0, names[np.maximum(window.truth, 0)], None),
            **{name: window.features[:, at] for at, name in enumerate(model.features)},
            **{f"p{at}": window.projection[:, at] for at in range(PROJECTION_SIZE)},
        }
    )
