"""A baseline from a stretch of the log is like one made offline, keeps no text, and is refused where it would lie.

The log is a real one; `baseline promote` and `baseline compare` run as a person runs them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import jsonschema
import numpy as np
import pytest
from click.testing import CliRunner

import monitors.baseline
from model.errors import InputError
from model.prediction import Prediction, Predictions, Record, text_fingerprint
from monitors.baseline import fit_baseline, load_baseline, save_baseline
from monitors.protocols import Episode, Outcome
from monitors.verdict import Kind, Severity, Verdict
from monitors.window import COLUMNS
from service.cli import main
from service.from_log import Wanted, moment, refuse_trouble
from service.store.audits import Audits
from service.store.database import open_database
from service.store.erasure import Erasure
from service.store.labels import Labels
from service.store.nouns import NewLabel, Strategy
from service.store.predictions import PredictionLog
from service.store.verdicts import Verdicts
from tests.statistics.simulation import LABELS, MODEL, World, draw

HOUR = 3_600_000_000
START = 1_790_000_000_000_000
WORDS = ("rates", "goal", "shares", "chip")
SCHEMA = json.loads((Path(monitors.baseline.__file__).parent / "schema.json").read_text(encoding="utf-8"))


class Log:
    """A log with an hour of 600 predictions, every other one labelled."""

    def __init__(self, directory, *, store_text=True):
        self.url = f"sqlite:///{directory / 'log.db'}"
        self.rows = draw(np.random.default_rng(3), 600)
        self.records = [self.record(at, store_text=store_text) for at in range(600)]
        with open_database(self.url) as database:
            log = PredictionLog(database)
            log.register(MODEL, START)
            log.append(self.records)
            self.label(range(0, 600, 2))

    def record(self, at, *, store_text):
        rows = self.rows
        text = f"secret{at} {WORDS[rows.truth[at]]} of the day"
        return Record(
            id=UUID(bytes=rows.ids[at].tobytes()),
            time=START + at * (HOUR // 600),
            model_version=MODEL.version,
            baseline_id="b0",
            engine="torch",
            precision="fp32",
            label=LABELS[rows.predicted[at]],
            prediction=Prediction(
                label=int(rows.predicted[at]),
                scores=rows.scores[at].astype(np.float32),
                features=rows.features[at].astype(np.float32),
                projection=rows.projection[at].astype(np.float16).astype(np.float32),
                truncated=bool(rows.truncated[at]),
            ),
            text=text if store_text else None,
            text_hash=text_fingerprint(text),
        )

    def label(self, numbers):
        with open_database(self.url) as database:
            new = [NewLabel(self.records[at].id, None, LABELS[self.rows.truth[at]]) for at in numbers]
            Labels(database).add(new, START + HOUR)

    def take(self, output, *more, since=START, until=START + HOUR):
        arguments = ("--database", self.url, "--since", moment(since), "--until", moment(until), "--output", output)
        return run("baseline", "from-log", *arguments, *more)


def run(*arguments):
    return CliRunner().invoke(main, [str(each) for each in arguments], catch_exceptions=False)


@pytest.fixture
def log(tmp_path):
    return Log(tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A log, and the directory of the baseline that was taken from it; nobody writes to them."""
    directory = tmp_path_factory.mktemp("made")
    log = Log(directory)
    assert log.take(directory / "taken").exit_code == 0
    return log, directory / "taken"


def test_it_is_the_baseline_that_the_same_rows_give_offline(made):
    """Every number and every word count; and the contract holds."""
    log, directory = made
    taken = load_baseline(directory)
    jsonschema.validate(json.loads((directory / "baseline.json").read_text()), SCHEMA)
    at = np.arange(0, 600, 2)
    picked = [log.records[row] for row in at]
    offline = fit_baseline(
        model=MODEL, engine="torch", precision="fp32", created="", dataset=taken.dataset,
        predictions=Predictions.of_rows([record.prediction for record in picked]), truth=log.rows.truth[at],
        texts=[record.text for record in picked],
    )  # fmt: skip
    assert taken.id == offline.id
    assert taken.accuracy == offline.accuracy
    assert dict(taken.words) == dict(offline.words)
    assert taken.dataset["origin"] == {
        "kind": "log", "since": moment(START), "until": moment(START + HOUR), "labels": "all", "before": None,
    }  # fmt: skip
    assert (directory / "report.html").exists()


def test_no_text_is_kept(made):
    """A word of one text alone stands in no file."""
    _, directory = made
    for file in directory.rglob("*"):
        assert file.is_dir() or b"secret" not in file.read_bytes()
    assert {"rates", "goal"} <= set(load_baseline(directory).words)


def test_without_stored_texts_fingerprints_are_kept(tmp_path):
    log = Log(tmp_path, store_text=False)
    assert log.take(tmp_path / "taken").exit_code == 0
    taken = load_baseline(tmp_path / "taken")
    assert taken.documents == 0
    assert taken.reference.text_hash.tolist() == [log.records[row].text_hash for row in range(0, 600, 2)]


def test_a_row_whose_text_is_gone_takes_no_other_words_with_it(log, tmp_path):
    with open_database(log.url) as database:
        Erasure(database).erase([log.records[0].id])
    done = log.take(tmp_path / "taken")
    assert "no text of 1 of them" in done.stdout
    taken = load_baseline(tmp_path / "taken")
    assert (taken.documents, len(taken.reference)) == (299, 300)
    assert taken.words["day"] == 299
    assert taken.reference.text_hash.tolist() == [0, *(log.records[row].text_hash for row in range(2, 600, 2))]


def refused(result, tmp_path):
    assert result.exit_code == 2
    assert not (tmp_path / "taken").exists()
    assert not list(tmp_path.glob(".taken*"))
    return result.stderr


def test_too_few_labels_are_refused(log, tmp_path):
    said = refused(log.take(tmp_path / "taken", until=START + HOUR // 2), tmp_path)
    assert "150 predictions of model simulated have a label, and 300 are required" in said


def episode(opened, resolved):
    return Episode("e1", MODEL.version, opened, Kind.DATA_FAULT, Severity.TICKET, (), resolved=resolved)


def test_a_stretch_with_an_open_episode_is_refused(log, tmp_path):
    verdict = Verdict(Kind.OK, Severity.NONE, MODEL.version, "b0", START, START, START + HOUR, 600, (), ())
    with open_database(log.url) as database:
        Verdicts(database).commit(Outcome("1", verdict, episode(START + HOUR // 2, None), {}, ()))
    assert "An episode (data fault) opened" in refused(log.take(tmp_path / "taken"), tmp_path)


@pytest.mark.parametrize(
    ("opened", "resolved", "quiet"),
    [
        (START - HOUR, None, False),
        (START - HOUR, START + 1, False),
        (START - HOUR, START, True),
        (START + HOUR - 1, START + HOUR, False),
        (START + HOUR, None, True),
    ],
)
def test_an_episode_beside_the_stretch_is_no_trouble(opened, resolved, quiet):
    wanted = Wanted(MODEL, START, START + HOUR, 300)
    if quiet:
        refuse_trouble([episode(opened, resolved)], wanted)
    else:
        with pytest.raises(InputError, match="choose --since and --until outside of it"):
            refuse_trouble([episode(opened, resolved)], wanted)


def test_even_labels_of_an_audit_are_taken_alone_where_there_are_enough(log, tmp_path):
    """What is volunteered is not evenly spread."""
    with open_database(log.url) as database:
        audits = Audits(database, np.random.default_rng(0), 24 * HOUR)
        asked = audits.ask(MODEL.version, START + HOUR, 200, Strategy.UNIFORM)
        numbers = {record.id: at for at, record in enumerate(log.records)}
    log.label([numbers[one.prediction_id] for one in asked])
    assert log.take(tmp_path / "taken", "--labels-required", 60).exit_code == 0
    taken = load_baseline(tmp_path / "taken")
    assert taken.dataset["origin"]["labels"] == "audited"
    assert 60 <= len(taken.reference) < 500


def test_an_unknown_cut_off_is_refused(tmp_path):
    log = Log(tmp_path)
    with open_database(log.url) as database:
        record = log.records[0]
        other = replace(record.prediction, label=(record.prediction.label + 1) % 4)
        odd = replace(record, id=UUID(int=5), time=record.time + 1, prediction=other)
        PredictionLog(database).append([odd])
        Labels(database).add([NewLabel(odd.id, None, LABELS[0])], START + HOUR)
    assert "came about by a cut-off" in refused(log.take(tmp_path / "taken"), tmp_path)


def test_times_are_said_in_one_sentence(log, tmp_path):
    assert "--since must be a time" in run(
        "baseline", "from-log", "--since", "noon", "--until", "2026-01-01", "--output", tmp_path / "taken"
    ).stderr  # fmt: skip
    assert "must lie before" in log.take(tmp_path / "taken", since=START + HOUR).stderr


# promote, compare


def test_a_promoted_baseline_is_the_one_that_the_monitor_takes(made, log):
    """`monitor --once` without --baseline is refused, then takes the promoted one; and it prunes."""
    _, directory = made
    taken = load_baseline(directory)
    none = run("monitor", "--once", "--database", log.url)
    assert none.exit_code == 2
    assert "none was promoted" in none.stderr
    said = run("baseline", "promote", directory, "--database", log.url, "--json")
    assert json.loads(said.stdout) == {"baseline": taken.id, "model_version": MODEL.version, "promoted": True}
    assert "already" in run("baseline", "promote", directory, "--database", log.url).stdout
    old = replace(log.records[0], id=UUID(int=9), time=START - 10 * 365 * 24 * HOUR)
    with open_database(log.url) as database:
        PredictionLog(database).append([old, replace(log.records[1], id=UUID(int=10))])  # the newest always stays
    done = subprocess.run(
        [sys.executable, "-m", "service.cli", "monitor", "--once", "--database", log.url],
        env=os.environ | {"BERTWATCH_RETENTION_DAYS": "3000"},
        check=False,
        timeout=120,
    )
    assert done.returncode == 0
    with open_database(log.url) as database:
        assert len(PredictionLog(database).window(MODEL.version, 0, START + HOUR)) == 601, "the old row is pruned"
        newest = Verdicts(database).newest(MODEL.version)
    assert newest is not None
    assert newest[0].baseline_id == taken.id


def test_what_is_no_baseline_is_not_promoted(log, tmp_path):
    (tmp_path / "nothing").mkdir()
    assert run("baseline", "promote", tmp_path / "nothing", "--database", log.url).exit_code == 2


def test_two_baselines_beside_each_other(made, tmp_path):
    """The same traffic has not drifted; shorter texts have, and it is said in words."""
    _, directory = made
    taken = load_baseline(directory)
    for name, world in (("alike", World()), ("shorter", World(length=0.5))):
        rows = draw(np.random.default_rng(9), 400, world)
        at = np.arange(1, 401)
        columns = {each: getattr(rows, each) for each in COLUMNS} | {"time": at}
        save_baseline(
            fit_baseline(
                model=MODEL, engine="torch", precision="fp32", created=datetime.now(UTC).isoformat(),
                dataset={"name": name, "sha256": "0", "rows": 400}, truth=columns["truth"],
                texts=[f"{name} {row}" for row in at],
                predictions=Predictions.of_rows([_recorded(rows, row).prediction for row in range(400)]),
            ),
            tmp_path / name,
        )  # fmt: skip
    alike = run("baseline", "compare", directory, tmp_path / "alike", "--json")
    found = json.loads(alike.stdout)
    assert found["baseline"] == taken.id
    assert set(found["metrics"]) >= {"accuracy", "macro_f1"}
    assert not any(one["drifted"] for one in found["drift"].values())
    shorter = json.loads(run("baseline", "compare", directory, tmp_path / "shorter", "--json").stdout)
    assert shorter["drift"]["input_drift"]["drifted"]
    assert "shorter" in shorter["drift"]["input_drift"]["words"]
    assert "accuracy" in run("baseline", "compare", directory, tmp_path / "shorter").stdout


def _recorded(rows, row):
    from types import SimpleNamespace

    return SimpleNamespace(
        prediction=Prediction(
            label=int(rows.predicted[row]),
            scores=rows.scores[row].astype(np.float32),
            features=rows.features[row].astype(np.float32),
            projection=rows.projection[row].astype(np.float32),
            truncated=bool(rows.truncated[row]),
        )
    )
