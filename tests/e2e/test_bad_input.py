"""What the command line says to bad input: one sentence, exit status 2, no traceback, nothing half-written.

`serve` runs as a process; the other commands run in this one, which spares loading torch for each case.
"""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.cli import main
from tests.conftest import bertwatch, take_port
from tests.processes import Service

pytestmark = pytest.mark.e2e


def refused(*arguments: str | Path, said: str, **environment: str) -> None:
    """The command ends with status 2 and one sentence that holds `said`."""
    if arguments[0] == "serve":
        done = bertwatch(*arguments, **environment)
        status, errors = done.returncode, done.stderr
    else:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments], env=environment)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        status, errors = result.exit_code, result.stderr
    assert status == 2, errors
    assert "Traceback" not in errors
    sentence = [line for line in errors.splitlines() if line.startswith("bertwatch: ")]
    assert len(sentence) == 1, errors
    assert said.lower() in sentence[0].lower(), sentence[0]
    assert sentence[0].rstrip().endswith("."), sentence[0]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("columns.csv", "body,topic\nsome text,World\n", "text"),
        ("empty.csv", "", "empty"),
        ("header.csv", "text,label\n", "no row"),
        ("class.csv", '"7","Title","Text"\n', "1"),
        ("broken.jsonl", '{"text": "a", "label": "World"}\n{"text": \n', "line 2"),
        ("labels.csv", "text,label\nA story about rain,Weather\n", "label"),
    ],
)
def test_datasets(name: str, content: str, said: str, tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    output = tmp_path / "baseline"
    refused("baseline", "--model", tiny_model, "--dataset", tmp_path / name, "--output", output, said=said)
    assert list(tmp_path.iterdir()) == [tmp_path / name]


def test_training_that_cannot_begin(tmp_path: Path) -> None:
    (tmp_path / "few.csv").write_text('"1","A","b c"\n"2","D","e f"\n')
    arguments = ("train", "--dataset", tmp_path / "few.csv", "--base-model", "tiny", "--output", tmp_path / "model")
    refused(*arguments, said="--train-rows")
    assert not (tmp_path / "model").exists()


def test_a_hub_that_cannot_be_reached(tmp_path: Path) -> None:
    refused(
        "train", "--dataset", "ag_news", "--base-model", "tiny", "--output", tmp_path / "model",
        said="sample", HF_HUB_OFFLINE="1",
    )  # fmt: skip


def test_models(tmp_path: Path) -> None:
    refused("serve", "--model", tmp_path / "nothing", said="no directory", BERTWATCH_DATABASE=f"sqlite:///{tmp_path}/a")
    refused("serve", "--model", tmp_path, said="config.json", BERTWATCH_DATABASE=f"sqlite:///{tmp_path}/b")
    refused("serve", said="--model")


def test_baselines(tiny_model: Path, tiny_baseline: Path, tmp_path: Path) -> None:
    """A baseline of another model, one that is none, and rows that the model was trained on."""
    other = tmp_path / "other"
    shutil.copytree(tiny_model, other)
    config = json.loads((other / "config.json").read_text())
    config["id2label"]["0"] = "Elsewhere"
    config["label2id"] = {name: int(number) for number, name in config["id2label"].items()}
    (other / "config.json").write_text(json.dumps(config))
    database = f"sqlite:///{tmp_path / 'log.db'}"
    refused(
        "serve", "--model", other, "--baseline", tiny_baseline, "--database", database, "--port", str(take_port()),
        said="belongs to model",
    )  # fmt: skip
    refused(
        "serve", "--model", tiny_model, "--baseline", tmp_path, "--database", database, "--port", str(take_port()),
        said="baseline",
    )  # fmt: skip
    refused("baseline", "--model", tiny_model, "--dataset", "sample", "--output", tiny_baseline, said="exists")


def test_databases(tiny_model: Path, tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("this is no database, and it stays as it is" * 100)
    for url, said in (
        (f"sqlite:///{note}", "database"),
        (f"sqlite:///{tmp_path}/no/such/folder/log.db", "folder"),
        ("oracle://somewhere/x", "oracle"),
    ):
        refused("serve", "--model", tiny_model, "--database", url, "--port", str(take_port()), said=said)
    port = take_port()
    refused("db", "upgrade", "--database", f"postgresql+psycopg://me:secret@127.0.0.1:{port}/x", said="127.0.0.1")
    assert "this is no database" in note.read_text()


def test_a_port_in_use(tiny_model: Path, sqlite_url: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        refused("serve", "--model", tiny_model, "--database", sqlite_url, "--port", port, said=f"Port {port}")


def test_a_port_in_time_wait_is_free(tiny_model: Path, tmp_path: Path, free_port: int) -> None:
    """The server closes first, so its side of the connection is in TIME_WAIT; the port can be taken at once."""
    with socket.socket() as before:
        before.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        before.bind(("127.0.0.1", free_port))
        before.listen()
        with socket.create_connection(("127.0.0.1", free_port)) as client:
            accepted, _ = before.accept()
            accepted.close()
            assert client.recv(1) == b""
    with Service(free_port, tmp_path / "log", model=tiny_model, database=f"sqlite:///{tmp_path}/log.db") as service:
        assert service.ready()


def test_settings_and_the_open_door(tiny_model: Path, tmp_path: Path) -> None:
    refused("settings", said="no setting 'colour'", BERTWATCH_COLOUR="red")
    refused("settings", "--port", "many", said="'port'")
    (tmp_path / "settings.toml").write_text("port = [")
    refused("settings", "--config", tmp_path / "settings.toml", said="TOML")
    refused("serve", "--model", tiny_model, "--host", "0.0.0.0", said="--key-file")
    (tmp_path / "keys").write_text("short\n")
    refused("serve", "--model", tiny_model, "--host", "0.0.0.0", "--key-file", tmp_path / "keys", said="16 characters")


def test_predictions_in_a_file(tiny_baseline: Path, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("World,Sports\n0.5,0.5\n")
    refused("check", "--baseline", tiny_baseline, "--predictions", tmp_path / "p.csv", said="Business")


def test_replay_without_a_service(free_port: int) -> None:
    refused("replay", "--url", f"http://127.0.0.1:{free_port}", "--dataset", "sample", said="No service answers")
    refused("replay", "--dataset", "sample", "--scenario", "storm", said="scenario")
