"""The Dockerfile, built and run without a daemon: buildah in a chroot, on a base made by debootstrap.

`make test-image`; root on Debian is needed. Nothing is pulled: the base stands under the name that the
Dockerfile asks for. What pip is told on this machine (its settings, certificates, local folders) it is told
in the build as well.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
BASE = "docker.io/library/python:3.11-slim-bookworm"

pytestmark = [pytest.mark.image, pytest.mark.timeout(2400)]


class Buildah:
    """buildah with a storage of its own, so that nothing is left on the machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "BUILDAH_ISOLATION": "chroot"}

    def command(self, *arguments: str) -> list[str]:
        storage = [
            "--storage-driver",
            "vfs",
            "--root",
            str(self.folder / "root"),
            "--runroot",
            str(self.folder / "run"),
        ]
        return ["buildah", *storage, *arguments]

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(
            self.command(*arguments), env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"buildah {arguments[0]}: {done.stderr[-3000:]}"
        return done.stdout.strip()


def pip_mounts(folder: Path) -> list[str]:
    """Volumes that let pip in the build reach what pip reaches here: one settings file, and what it points to."""
    listed = subprocess.run(["pip", "config", "list"], capture_output=True, text=True, check=True).stdout
    settings = dict(re.findall(r"^(?:global|user|site|:env:)\.([\w-]+)='(.*)'$", listed, re.M))
    merged = folder / "pip" / "pip.conf"
    merged.parent.mkdir()
    merged.write_text("[global]\n" + "".join(f"{name} = {value}\n" for name, value in settings.items()))
    places = [Path(name) for value in settings.values() for name in re.findall(r"(?:file://)?(/[^\s]+)", value)]
    folders = {place if place.is_dir() else place.parent for place in places if place.exists()}
    # an index named …/simple points to files beside itself
    folders = {place.parent if place.name == "simple" else place for place in folders}
    return [f"--volume={merged.parent}:/etc/xdg/pip:ro", *(f"--volume={place}:{place}:ro" for place in sorted(folders))]


@pytest.fixture(scope="module")
def buildah(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Buildah]:
    if os.geteuid() != 0:
        pytest.fail("the image test needs root: debootstrap and a chroot do")
    folder = tmp_path_factory.mktemp("image")
    buildah = Buildah(folder)
    try:
        yield buildah
    finally:
        buildah("rm", "--all")
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def image(buildah: Buildah) -> str:
    base = buildah.folder / "base"
    packages = "python3,python3-venv,python3-pip,ca-certificates"
    subprocess.run(["debootstrap", "--variant=minbase", f"--include={packages}", "bookworm", base], check=True)
    container = buildah("from", "scratch")
    buildah("add", "--quiet", container, str(base), "/")
    buildah("commit", "--quiet", "--rm", container, BASE)
    shutil.rmtree(base)
    buildah(
        "bud",
        "--quiet",
        "--pull-never",
        "--format",
        "docker",
        "--tag",
        "bertwatch",
        *pip_mounts(buildah.folder),
        str(ROOT),
    )
    return "bertwatch"


@pytest.fixture(scope="module")
def container(buildah: Buildah, image: str) -> str:
    """A container of the image with a model and a baseline made inside of it."""
    name = buildah("from", "--pull-never", image)
    buildah("run", name, "--", "bertwatch", "train", "--dataset=sample", "--base-model=tiny", "--output=/models/model")
    buildah(
        "run", name, "--", "bertwatch", "baseline", "--model=/models/model", "--dataset=sample", "--output=/models/base"
    )
    return name


def test_image_says_how_it_is_run(buildah: Buildah, image: str) -> None:
    """Not root, a health check, a port, the command: all stand in the image itself."""
    config = json.loads(buildah("inspect", "--type", "image", image))["Docker"]["config"]
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["bertwatch"]
    assert config["Cmd"] == ["serve"]
    assert "8000/tcp" in config["ExposedPorts"]
    assert "/readyz" in " ".join(config["Healthcheck"]["Test"])
    assert config["StopSignal"] in ("SIGTERM", "")


def test_image_serves_and_ends(buildah: Buildah, image: str, container: str, free_port: int) -> None:
    """Runs as nobody special, becomes healthy, answers, and SIGTERM ends it with 0."""
    config = json.loads(buildah("inspect", "--type", "image", image))["Docker"]["config"]
    settings = {
        "BERTWATCH_MODEL": "/models/model",
        "BERTWATCH_BASELINE": "/models/base",
        "BERTWATCH_HOST": "127.0.0.1",
        "BERTWATCH_PORT": str(free_port),
    }
    run = buildah.command(
        "run", *(f"--env={name}={value}" for name, value in settings.items()), container, "--",
        *config["Entrypoint"], *config["Cmd"],
    )  # fmt: skip
    process = subprocess.Popen(run, env=buildah.environment)
    try:
        url = f"http://127.0.0.1:{free_port}"
        wait_for(f"{url}/readyz", process)
        server = listening(free_port)
        assert server.uids().real == 10001
        assert {child.uids().real for child in server.children(recursive=True)} <= {10001}
        health = config["Healthcheck"]["Test"]
        assert health[0] == "CMD"
        buildah("run", f"--env=BERTWATCH_PORT={free_port}", container, "--", *health[1:])
        answer = httpx.post(f"{url}/predict", json={"text": "Shares rose after the bank reported record profit."})
        assert answer.status_code == 200
        assert answer.json()["label"] in {"World", "Sports", "Business", "Sci/Tech"}
        server.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        if process.poll() is None:
            process.kill()


def listening(port: int) -> psutil.Process:
    """The process that listens on the port: a chroot hides no process from this machine."""
    doors = [door for door in psutil.net_connections("tcp") if door.status == psutil.CONN_LISTEN]
    return psutil.Process(next(door.pid for door in doors if door.laddr.port == port))


def wait_for(url: str, process: subprocess.Popen[bytes], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert process.poll() is None, f"the container ended with {process.returncode}"
        try:
            if httpx.get(url, timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.5)
    raise AssertionError(f"{url} did not answer within {seconds} s")
