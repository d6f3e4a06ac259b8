"""A baseline is the same after a round trip, has an id of its own, holds no text, and says what is wrong with it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from model.errors import InputError
from model.evaluation import evaluate
from model.features import FEATURES, text_features
from model.prediction import ModelInfo, Predictions, text_fingerprint
from monitors.baseline import (
    Strained,
    check_fits,
    compare,
    fit_baseline,
    load_baseline,
    refuse_training_rows,
    save_baseline,
    whole_directory,
)
from monitors.window import COLUMNS

MODEL = ModelInfo(version="abc123", labels=("World", "Sports", "Sci/Tech"), features=FEATURES, name="newsroom")
TEXTS = [f"Striker number {i} signs contract with the Harbour club before Friday" for i in range(40)]
DATASET = {"name": "sample", "sha256": "00" * 32, "rows": 40}


def predictions(seed=0, rows=40):
    rng = np.random.default_rng(seed)
    scores = rng.dirichlet([1, 1, 1], rows).astype(np.float32)
    projections = rng.normal(size=(rows, 32)).astype(np.float32)
    projections[3] = np.nan
    return Predictions(
        labels=scores.argmax(1),
        scores=scores,
        features=text_features(TEXTS[:rows], np.full(rows, 12), None),
        projections=projections,
        truncated=np.arange(rows) % 7 == 0,
    )


def fitted(created="2026-01-01T00:00:00Z", seed=0, **changes):
    facts = {
        "model": MODEL,
        "engine": "torch",
        "precision": "fp32",
        "predictions": predictions(seed),
        "truth": np.arange(40) % 3,
        "texts": iter(TEXTS),
        "dataset": DATASET,
        "created": created,
        "segments": ["web", None] * 20,
        "hashes": {"weights": "aa", "tokenizer": "bb", "labels": "cc"},
    }
    return fit_baseline(**facts | changes)


@pytest.fixture(scope="module")
def baseline():
    return fitted()


@pytest.fixture
def saved(baseline, tmp_path):
    save_baseline(baseline, tmp_path / "baseline")
    return tmp_path / "baseline"


def test_a_loaded_baseline_is_the_one_that_was_saved(baseline, saved):
    again = load_baseline(saved)
    assert again.id == baseline.id
    assert again.model == baseline.model
    assert again.metrics == baseline.metrics
    assert again.accuracy.count == 40
    assert again.words == baseline.words
    assert (again.confusion == baseline.confusion).all()
    for name in COLUMNS:
        old, new = getattr(baseline.reference, name), getattr(again.reference, name)
        assert old.dtype == new.dtype, name
        np.testing.assert_array_equal(old, new, err_msg=name)


def test_the_id_depends_on_all_but_the_moment(baseline):
    assert fitted(created="2027-05-05T00:00:00Z").id == baseline.id
    other = [
        fitted(engine="onnx"),
        fitted(seed=1),
        fitted(texts=iter([*TEXTS[:-1], "Something else altogether"])),
        fitted(model=replace(MODEL, version="abc124")),
        fitted(truth=(np.arange(40) + 1) % 3),
        fitted(segments=None),
    ]
    assert len({baseline.id, *(b.id for b in other)}) == 7


def under_strain(seed=5):
    return Strained(predictions(seed, rows=15), np.arange(15) * 2)


def test_rows_under_strain_are_kept_with_the_truth_of_their_row(tmp_path):
    held = fitted(strained=under_strain())
    save_baseline(held, tmp_path / "baseline")
    again = load_baseline(tmp_path / "baseline")
    assert again.id == held.id != fitted().id
    assert len({held.id, fitted(strained=under_strain(6)).id, fitted().id}) == 3
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(held.strained, name), getattr(again.strained, name), err_msg=name)
    assert again.strained.truth.tolist() == again.reference.truth[::2][:15].tolist()
    assert again.strained.time.tolist() == again.reference.time[::2][:15].tolist()
    (tmp_path / "baseline" / "strained.parquet").unlink()
    with pytest.raises(InputError, match=r"not complete: strained\.parquet is missing"):
        load_baseline(tmp_path / "baseline")


def test_a_baseline_without_rows_under_strain_reads_as_it_always_did(baseline, saved):
    assert load_baseline(saved).strained is None
    assert not (saved / "strained.parquet").exists()
    assert "strained" not in json.loads((saved / "baseline.json").read_text())["counts"]


def test_words_are_those_of_two_documents_or_more(baseline):
    assert baseline.words["striker"] == 40
    assert baseline.documents == 40
    solitary = fitted(texts=iter([*TEXTS[:-1], "zeppelin zeppelin"]))
    assert "zeppelin" not in solitary.words


def test_no_file_holds_a_text(saved):
    unique = f"{TEXTS[17]}".split()[2]
    assert unique == "17"
    words = pq.read_table(saved / "words.parquet")["word"].to_pylist()
    assert "striker" in words
    table = pq.read_table(saved / "reference.parquet")
    assert "text" not in table.column_names
    for name in table.column_names:
        assert not any(isinstance(v, str) and " " in v for v in table[name].to_pylist()), name
    assert "Striker" not in (saved / "baseline.json").read_text()


def test_the_contract_reads_as_promised(saved, baseline):
    contract = json.loads((saved / "baseline.json").read_text(), parse_constant=pytest.fail)
    assert set(contract["metrics"]["accuracy"]) == {"value", "low", "high", "count"}
    assert contract["metrics"]["accuracy"]["value"] == baseline.accuracy.value
    assert contract["engine"] == {"name": "torch", "precision": "fp32"}
    assert contract["dataset"]["sha256"] == DATASET["sha256"]
    assert contract["model"]["hashes"]["tokenizer"] == "bb"
    assert contract["counts"]["classes"] == {"World": 14, "Sports": 13, "Sci/Tech": 13}
    assert "recall[Sci/Tech]" in contract["metrics"]
    for name in ("balanced_accuracy", "macro_f1", "macro_precision", "macro_recall", "log_loss", "ece"):
        assert name in contract["metrics"]


def test_figures_are_those_of_the_evaluation(baseline):
    expected = evaluate(np.arange(40) % 3, predictions().scores, MODEL.labels, segments=["web", None] * 20)
    assert baseline.metrics == expected.metrics
    assert baseline.temperature == expected.temperature.value
    assert fitted(evaluation=expected).id == baseline.id


def test_a_directory_that_exists_is_refused_and_left_alone(baseline, tmp_path):
    (tmp_path / "mine").mkdir()
    with pytest.raises(InputError, match="exists already"):
        save_baseline(baseline, tmp_path / "mine")
    assert list((tmp_path / "mine").iterdir()) == []


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_a_failure_half_way_leaves_nothing(tmp_path, failure):
    def half_way(directory):
        (directory / "half").write_text("…")
        raise failure

    with pytest.raises(failure), whole_directory(tmp_path / "new") as unfinished:
        half_way(unfinished)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_gets_one_sentence(baseline, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="Cannot write to"):
        save_baseline(baseline, tmp_path / "file" / "baseline")


def _rewrite(directory, **changes):
    path = directory / "baseline.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda d: (d / "baseline.json").unlink(), "is not a baseline"),
        (lambda d: (d / "baseline.json").write_text("{"), "not JSON"),
        (lambda d: (d / "baseline.json").write_text("[]"), "is not a baseline's"),
        (lambda d: (d / "baseline.json").write_bytes(b"\xff\xfe"), "not JSON"),
        (lambda d: _rewrite(d, schema_version=3), "newer bertwatch"),
        (lambda d: _rewrite(d, metrics={}), "changed after it was made"),
        (lambda d: _rewrite(d, engine=None), "damaged"),
        (lambda d: (d / "reference.parquet").unlink(), "reference.parquet is missing"),
        (lambda d: (d / "words.parquet").unlink(), "words.parquet is missing"),
        (lambda d: (d / "reference.parquet").write_bytes(b"PAR1"), "damaged"),
        (lambda d: (d / "words.parquet").replace(d / "reference.parquet"), "missing|damaged"),
    ],
)
def test_what_is_wrong_with_a_directory_is_said_in_one_sentence(saved, spoil, says):
    spoil(saved)
    with pytest.raises(InputError, match=says) as refused:
        load_baseline(saved)
    assert "\n" not in str(refused.value)


def test_a_place_without_a_directory_is_said(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        load_baseline(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is not a directory"):
        load_baseline(tmp_path / "file")


def test_a_baseline_fits_only_its_own_model_and_engine(baseline):
    check_fits(baseline, MODEL, "torch", "fp32")
    check_fits(baseline, replace(MODEL, name="elsewhere"), "torch", "fp32")
    with pytest.raises(InputError, match=r"newsroom \(abc123\).*newsroom \(def456\).*bertwatch baseline"):
        check_fits(baseline, replace(MODEL, version="def456"), "torch", "fp32")
    with pytest.raises(InputError, match=r"torch \(fp32\).*onnx-int8 \(int8\).*--engine"):
        check_fits(baseline, MODEL, "onnx-int8", "int8")


def test_exact_engines_are_one_anothers_equals_and_no_other_is(baseline):
    check_fits(baseline, MODEL, "onnx", "fp32")
    quick = replace(baseline, engine="onnx-int8", precision="int8")
    check_fits(quick, MODEL, "onnx-int8", "int8")
    for engine, precision in (("onnx", "fp32"), ("torch", "fp32"), ("openvino", "int8")):
        with pytest.raises(InputError, match="whose scores differ"):
            check_fits(quick, MODEL, engine, precision)


def test_rows_of_the_training_are_counted_and_refused():
    hashes = np.array([text_fingerprint(text) for text in TEXTS], np.uint64)
    refuse_training_rows(hashes, None)
    refuse_training_rows(hashes, np.zeros(0, np.uint64))
    refuse_training_rows(hashes, np.array([text_fingerprint("never seen")], np.uint64))
    with pytest.raises(InputError, match="3 of the 40 rows"):
        refuse_training_rows(hashes, np.sort(hashes[[4, 9, 30]]))
    with pytest.raises(InputError, match="1 of the 40 row"):
        refuse_training_rows(hashes, np.array([text_fingerprint(TEXTS[0].upper() + "  ")], np.uint64))


def test_two_baselines_of_the_same_rows_are_compared_as_pairs(baseline):
    better = fitted(truth=np.arange(40) % 3, predictions=predictions(seed=5))
    found = compare(baseline, better)
    assert (found.rows, found.paired) == (40, True)
    truth = np.arange(40) % 3
    before, after = predictions().labels == truth, predictions(seed=5).labels == truth
    assert [flip.row for flip in found.regressed] == (np.flatnonzero(before & ~after) + 1).tolist()
    assert [flip.row for flip in found.mended] == (np.flatnonzero(~before & after) + 1).tolist()
    accuracy = found.change("accuracy")
    assert accuracy.difference == pytest.approx(after.mean() - before.mean())
    assert (accuracy.low <= 0 <= accuracy.high) == (found.p_value > 0.05)


def test_a_baseline_beside_itself_has_no_difference(baseline):
    found = compare(baseline, baseline)
    assert all(change.low <= 0 <= change.high and change.difference == 0 for change in found.changes)
    assert (found.flips, found.p_value, found.worse) == ((), 1.0, ())


def test_baselines_of_other_rows_are_compared_as_strangers(baseline):
    other = fitted(texts=iter([f"{text}, again" for text in TEXTS]), predictions=predictions(seed=5))
    found = compare(baseline, other)
    assert (found.rows, found.flips, found.p_value) == (0, (), None)
    accuracy = found.change("accuracy")
    assert accuracy.low < accuracy.difference < accuracy.high
    paired = compare(baseline, fitted(predictions=predictions(seed=5))).change("accuracy")
    assert paired.difference == accuracy.difference


def test_rows_that_only_one_has_are_left_out(baseline):
    texts = [*TEXTS[:30], *(f"new {i}" for i in range(10))]
    found = compare(baseline, fitted(texts=iter(texts), predictions=predictions(seed=5)))
    assert found.rows == 30
    assert found.change("accuracy").old.count == found.change("accuracy").new.count == 30
    assert all(flip.row <= 30 for flip in found.flips)


def test_rows_are_matched_by_text_wherever_they_stand(baseline):
    order = np.roll(np.arange(40), 7)
    said = predictions()
    moved = replace(said, labels=said.labels[order], scores=said.scores[order])
    found = compare(
        baseline,
        fitted(predictions=moved, truth=order % 3, texts=iter([TEXTS[i] for i in order]), segments=None),
    )
    assert (found.rows, found.flips) == (40, ())


def test_rows_without_texts_are_matched_by_their_order_and_class():
    one = fitted(texts=None)
    other = fitted(texts=None, predictions=predictions(seed=5))
    assert compare(one, other).rows == 40
    assert compare(one, fitted(texts=None, truth=(np.arange(40) + 1) % 3)).rows == 0
    assert compare(one, fitted(predictions=predictions(seed=5))).rows == 0


def test_repeated_rows_are_matched_one_by_one(baseline):
    texts = ["the same text"] * 40
    one = fitted(texts=iter(texts))
    assert compare(one, fitted(texts=iter(texts), predictions=predictions(seed=5))).rows == 40


def test_classes_in_another_order_are_the_same_classes_and_others_are_refused(baseline):
    order = [2, 0, 1]
    said = predictions()
    scores = said.scores[:, order]
    turned = replace(said, scores=scores, labels=scores.argmax(1))
    names = tuple(MODEL.labels[i] for i in order)
    truth = np.array([order.index(c) for c in np.arange(40) % 3])
    found = compare(baseline, fitted(model=replace(MODEL, labels=names), predictions=turned, truth=truth))
    assert (found.rows, found.flips) == (40, ())
    foreign = fitted(model=replace(MODEL, labels=("a", "b", "c")))
    with pytest.raises(InputError, match="different classes"):
        compare(baseline, foreign)


def test_columns_of_different_lengths_are_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="39 texts"):
        fitted(texts=iter(TEXTS[:39]))
