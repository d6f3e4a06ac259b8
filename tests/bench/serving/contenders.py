"""Who takes part: what each is installed from, how it is started, and in which role it is compared.

Each peer has an environment of its own under `.bench/` with its own web stack. Model libraries (torch, transformers,
tokenizers, onnxruntime) come from the project's environment, behind the peer's own packages on the path: all then
compute with the same builds, and nothing that a peer brings is replaced.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from model.errors import SurroundingsError

ROOT = Path(__file__).resolve().parents[3]
PEERS = Path(__file__).with_name("peers")
SHARED = "bertwatch-bench-model-libraries.pth"


@dataclass(frozen=True, slots=True)
class Contender:
    """One server. `role` is how it is compared: default, retuned, same-engine, same-engine-batching or ours."""

    name: str
    role: str
    arguments: tuple[str, ...]
    """After the interpreter of its environment."""
    packages: tuple[str, ...] = ()
    """Installed into its environment; none for ours."""
    environment: Mapping[str, str] = field(default_factory=dict)
    port_flag: tuple[str, ...] = ()
    """Where the port is a flag, that flag; else it is `PORT`."""
    route: str = "/predict"
    form: str = "text"
    engine: str | None = None
    """Of ours, where it is one."""


LITSERVE = ("litserve==0.2.19",)
MOSEC = ("mosec==0.9.8",)
BENTOML = ("bentoml==1.4.39",)
FASTAPI = ("fastapi==0.165.0", "uvicorn[standard]==0.54.0")


def contenders(workers: int) -> list[Contender]:
    """All, in the order in which they run; `with_controls` repeats two of them."""
    one_each = {"WORKERS": str(workers)}

    def mosec(name: str, role: str, script: str, more: Mapping[str, str], engine: str | None = None) -> Contender:
        return Contender(
            name, role, (str(PEERS / script), "--timeout", "60000"), MOSEC, more, ("--port",), "/inference",
            engine=engine,
        )  # fmt: skip

    def ours(engine: str) -> Contender:
        return Contender(
            f"bertwatch {engine}", "ours", ("-m", "service.cli", "serve"),
            environment={"BERTWATCH_ENGINE": engine}, engine=engine,
        )  # fmt: skip

    def with_ours(engine: str, batch: int) -> Contender:
        more = {**one_each, "ENGINE": engine, "BATCH": str(batch), "PYTHONPATH": str(ROOT)}
        by, role = (f", batches of {batch}", "same-engine-batching") if batch > 1 else ("", "same-engine")
        return mosec(f"mosec {workers}×1, our {engine}{by}", role, "mosec_onnx.py", more, engine)

    lit = (str(PEERS / "lit.py"),)
    return [
        Contender("FastAPI + pipeline", "default", (str(PEERS / "naive.py"),), FASTAPI),
        ours("onnx"),
        Contender("LitServe", "default", lit, LITSERVE),
        mosec("mosec", "default", "mosec_torch.py", {}),
        Contender(
            "BentoML", "default", ("-m", "bentoml", "serve", "bento:Answers", "--working-dir", str(PEERS)),
            BENTOML, {"BENTOML_DO_NOT_TRACK": "True"}, ("--port",), form="texts",
        ),
        Contender(f"LitServe {workers}×1", "retuned", lit, LITSERVE, one_each),
        mosec(f"mosec {workers}×1", "retuned", "mosec_torch.py", one_each),
        with_ours("onnx", 1),
        with_ours("onnx", 8),
        with_ours("onnx-int8", 1),
        with_ours("onnx-int8", 8),
        ours("onnx-int8"),
        ours("torch"),
    ]  # fmt: skip


def with_controls(entered: list[Contender]) -> list[Contender]:
    """The first two once more at the end: how far they differ from themselves is the noise of the run."""
    return [*entered, *entered[:2]]


def interpreter(contender: Contender, cache: Path, say: Callable[[str], None]) -> Path:
    """The Python of the contender's environment, which is made where it is not there yet."""
    if not contender.packages:
        return Path(sys.executable)
    home = cache / ("serve-" + contender.packages[0].replace("==", "-"))
    python = home / "bin" / "python"
    shared = home / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages" / SHARED
    if not shared.exists():
        say(f"installing {' '.join(contender.packages)} into {home}")
        venv.create(home, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *contender.packages]
        done = subprocess.run(pip, capture_output=True, text=True, check=False, timeout=900)
        if done.returncode:
            raise SurroundingsError(f"{contender.packages[0]} cannot be installed: {done.stderr.strip()[-500:]}")
        shared.write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return python


def command(contender: Contender, python: Path, port: int) -> list[str]:
    flag = [*contender.port_flag, str(port)] if contender.port_flag else []
    return [str(python), *contender.arguments, *flag]


def surroundings(contender: Contender, model: Path, port: int, scratch: Path) -> dict[str, str]:
    """The environment of its process: nothing of ours but what it is told here."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("BERTWATCH_")}
    told = {"MODEL": str(model), "PORT": str(port), "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    if contender.role == "ours":
        told = {
            "BERTWATCH_MODEL": str(model),
            "BERTWATCH_PORT": str(port),
            "BERTWATCH_DATABASE": f"sqlite:///{scratch / 'log.db'}",
        }
    return {**mine, **told, **contender.environment}
