"""The promise of the predictor: an answer means a commit, everything accepted is answered, nobody waits in vain."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from prometheus_client import CollectorRegistry

from model.prediction import CutOff, Record, text_fingerprint
from service.errors import Broken, ClientGone, DeadlineExceeded, LogUnavailable, Overloaded, Stopping
from service.metrics import Metrics
from service.predictor import Limits, Predictor, fair_share
from service.tickets import Item
from tests.api.stand_in import INFO, StandIn, ticking, wait_until


class Bench:
    """A predictor with its parts in reach; `log` is what was committed, one list a transaction."""

    def __init__(self, limits: Limits, store_text: str, cut_off: CutOff | None = None) -> None:
        self.classifier = StandIn()
        self.metrics = Metrics(CollectorRegistry())
        self.metrics.know_model(INFO, "stand-in", "fp32", None)
        self.log: list[list[Record]] = []
        self.broken = False
        self.predictor = Predictor(
            self.classifier, self.append, self.metrics, ticking(), limits,
            store_text=store_text, baseline_id="b1", cut_off=cut_off,
        )  # fmt: skip

    def append(self, records: Sequence[Record]) -> None:
        if self.broken:
            raise OSError("disk full while writing 'a user's text'")
        self.log.append(list(records))

    @property
    def texts(self) -> list[str | None]:
        return [record.text for commit in self.log for record in commit]

    async def ask(self, *texts: str, within: float | None = None) -> list[Record]:
        return await self.predictor.submit([Item(text) for text in texts], within).answer()


@asynccontextmanager
async def bench(*, store_text: str = "full", cut_off: CutOff | None = None, **limits: float) -> AsyncIterator[Bench]:
    made = Bench(Limits(**{"workers": 2, **limits}), store_text, cut_off)  # type: ignore[arg-type]  # numbers by name
    made.predictor.start()
    try:
        yield made
    finally:
        made.classifier.open.set()
        await asyncio.to_thread(made.predictor.stop, 10)


def runs(test: Callable[[], object]) -> Callable[[], None]:
    """Run a coroutine test on a loop of its own."""

    def run() -> None:
        asyncio.run(asyncio.wait_for(test(), 30))  # type: ignore[arg-type]  # a coroutine function

    run.__doc__ = test.__doc__
    run.__name__ = test.__name__
    return run


@runs
async def test_an_answer_is_what_the_log_holds():
    async with bench() as it:
        [record] = await it.predictor.submit([Item("four", "ref-1", "mail")]).answer()
        assert it.log == [[record]]
        assert (record.label, record.text, record.reference, record.segment) == ("World", "four", "ref-1", "mail")
        assert (record.model_version, record.baseline_id, record.engine, record.precision) == (
            "v1", "b1", "stand-in", "fp32",
        )  # fmt: skip
        assert record.id.version == 7
        assert record.text_hash == text_fingerprint("four")


@runs
async def test_the_cut_off_decides_the_label_that_is_answered_and_stored():
    """The stand-in gives class 0 a score of 0.7 and class 1 one of 0.1, which is enough for this cut-off."""
    async with bench(cut_off=CutOff(positive=1, value=0.05)) as it:
        [record] = await it.ask("four")
        assert (record.label, record.prediction.label) == ("Sports", 1)
        assert record.prediction.confidence == pytest.approx(0.1)
        assert record.prediction.scores.argmax() == 0
        assert it.log == [[record]]


@runs
async def test_no_answer_leaves_before_its_commit():
    """While the commit is held, the answer is not there."""
    async with bench() as it:
        gate, entered = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()
        append = it.append

        def held(records: Sequence[Record]) -> None:
            loop.call_soon_threadsafe(entered.set)
            asyncio.run_coroutine_threadsafe(gate.wait(), loop).result(10)
            append(records)

        it.predictor._append = held
        answer = asyncio.create_task(it.ask("text"))
        await entered.wait()
        await asyncio.sleep(0.02)
        assert not answer.done()
        gate.set()
        await answer
        assert it.texts == ["text"]


@pytest.mark.parametrize(
    ("store_text", "text", "has_fingerprint"),
    [("full", "hello", True), ("hash", hashlib.sha256(b"hello").hexdigest(), True), ("none", None, False)],
)
def test_the_log_keeps_of_a_text_what_the_setting_says(store_text: str, text: str | None, has_fingerprint: bool):
    @runs
    async def run() -> None:
        async with bench(store_text=store_text) as it:
            [record] = await it.ask("hello")
            assert record.text == text
            assert (record.text_hash != 0) is has_fingerprint

    run()


@runs
async def test_a_batch_is_answered_in_order_and_committed_at_once():
    async with bench(max_batch=3) as it:
        texts = ["x" * length for length in (9, 1, 5, 30, 2, 7, 4, 3)]
        records = await it.ask(*texts)
        assert [record.text for record in records] == texts
        assert [len(commit) for commit in it.log] == [8]


@runs
async def test_a_worker_takes_its_share_of_what_waits_sorted_by_length():
    async with bench(workers=1, max_batch=4) as it:
        it.classifier.open.clear()
        first = asyncio.create_task(it.ask("first"))
        await asyncio.to_thread(it.classifier.entered.acquire)
        others = [asyncio.create_task(it.ask("y" * length)) for length in (40, 10, 30, 20, 50)]
        await asyncio.sleep(0)
        it.classifier.open.set()
        await asyncio.gather(first, *others)
        assert [[len(text) for text in batch] for batch in it.classifier.batches] == [[5], [10, 20, 30, 40], [50]]


@pytest.mark.parametrize(
    ("waiting", "idle", "share"),
    [
        (0, 0, 1),  # alone
        (3, 3, 1),  # four texts, four workers: side by side
        (1, 0, 2),  # all others are busy: two together cost less
        (4, 0, 5),  # nothing is left for them
        (7, 3, 2),  # eight texts, four workers
        (4, 1, 3),  # what is odd is not left behind
        (100, 0, 8),  # never more than one worker may take
    ],
)
def test_a_share_leaves_idle_workers_theirs(waiting: int, idle: int, share: int) -> None:
    assert fair_share(waiting, idle, most=8) == share


@runs
async def test_what_does_not_fit_the_queue_is_refused_at_once():
    async with bench(workers=1, max_batch=1, queue_size=2) as it:
        it.classifier.open.clear()
        accepted = [asyncio.create_task(it.ask("a"))]
        await asyncio.sleep(0)
        await asyncio.to_thread(it.classifier.entered.acquire)
        accepted += [asyncio.create_task(it.ask("b")), asyncio.create_task(it.ask("c"))]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded) as refusal:
            await it.ask("d")
        assert ("retry-after", "1") in refusal.value.headers
        with pytest.raises(Overloaded):
            await it.ask("e", "f")
        it.classifier.open.set()
        await asyncio.gather(*accepted)
        assert sorted(filter(None, it.texts)) == ["a", "b", "c"]


@runs
async def test_a_batch_larger_than_the_queue_is_taken_while_nothing_waits():
    async with bench(queue_size=2) as it:
        assert len(await it.ask(*"abcde")) == 5


@runs
async def test_what_has_waited_too_long_is_refused_and_not_computed():
    async with bench(workers=1, max_batch=1) as it:
        it.classifier.open.clear()
        first = asyncio.create_task(it.ask("first"))
        await asyncio.sleep(0)
        await asyncio.to_thread(it.classifier.entered.acquire)
        with pytest.raises(DeadlineExceeded):
            await it.ask("late", within=0.02)
        it.classifier.open.set()
        await first
        await it.ask("next")
        assert it.classifier.texts == ["first", "next"]
        assert it.texts == ["first", "next"]


@runs
async def test_nothing_is_computed_for_a_client_that_has_gone():
    async with bench(workers=1, max_batch=1) as it:
        it.classifier.open.clear()
        first = asyncio.create_task(it.ask("first"))
        await asyncio.sleep(0)
        await asyncio.to_thread(it.classifier.entered.acquire)
        ticket = it.predictor.submit([Item("gone")])
        cancelled = asyncio.create_task(it.ask("cancelled"))
        await asyncio.sleep(0)
        ticket.abandon()
        cancelled.cancel()
        with pytest.raises(ClientGone):
            await ticket.answer()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        it.classifier.open.set()
        await first
        await it.ask("next")
        assert it.classifier.texts == ["first", "next"]


@runs
async def test_a_failed_commit_gives_no_answer_and_the_writer_goes_on():
    async with bench() as it:
        it.broken = True
        outcomes = await asyncio.gather(*(it.ask(text) for text in "abcd"), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [LogUnavailable] * 4
        assert it.predictor.log_failing
        writable = it.metrics.registry.get_sample_value
        assert writable("bertwatch_log_writable") == 0
        it.predictor.log_recovered()
        assert writable("bertwatch_log_writable") == 1, "no traffic need come for the alert to end"
        it.broken = False
        await it.ask("e")
        assert it.texts == ["e"]
        assert not it.predictor.log_failing
        assert writable("bertwatch_log_writable") == 1


@runs
async def test_a_text_that_breaks_the_classifier_fails_alone():
    async with bench(workers=1, max_batch=8) as it:
        it.classifier.open.clear()
        first = asyncio.create_task(it.ask("first"))
        await asyncio.sleep(0)
        await asyncio.to_thread(it.classifier.entered.acquire)
        waiting = [asyncio.create_task(it.ask(text)) for text in ("good", it.classifier.poison, "better")]
        batch = asyncio.create_task(it.ask("neighbour", it.classifier.poison))
        await asyncio.sleep(0)
        it.classifier.open.set()
        outcomes = await asyncio.gather(first, *waiting, batch, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [list, list, Broken, list, Broken]
        assert it.texts == ["first", "good", "better"]


def test_errors_are_logged_without_a_text(capsys: pytest.CaptureFixture[str]):
    @runs
    async def run() -> None:
        async with bench() as it:
            with pytest.raises(Broken):
                await it.ask(it.classifier.poison)
            it.broken = True
            with pytest.raises(LogUnavailable):
                await it.ask("secret words")

    run()
    said = capsys.readouterr()
    logged = said.out + said.err
    assert "classification_failed" in logged
    assert "commit_failed" in logged
    assert not any(word in logged for word in ("poison", "secret", "user's text"))


@runs
async def test_stopping_answers_everything_accepted_and_accepts_nothing_more():
    async with bench(workers=2, max_batch=2) as it:
        it.classifier.open.clear()
        accepted = [asyncio.create_task(it.ask(f"text {number}")) for number in range(20)]
        await asyncio.sleep(0)
        stopping = asyncio.create_task(asyncio.to_thread(it.predictor.stop, 10))
        await asyncio.to_thread(wait_until, lambda: not it.predictor.accepting)
        with pytest.raises(Stopping):
            await it.ask("too late")
        it.classifier.open.set()
        await stopping
        answers = await asyncio.gather(*accepted)
        assert len(answers) == 20
        assert len(it.texts) == 20
        assert not any(thread.is_alive() for thread in (*it.predictor._workers, it.predictor._writer))


@runs
async def test_nothing_is_accepted_before_the_start():
    made = Bench(Limits(workers=1), "full")
    with pytest.raises(Stopping):
        await made.ask("early")
    made.predictor.stop()


@runs
async def test_under_load_every_row_is_committed_once():
    async with bench(workers=4, queue_size=1000) as it:
        records = await asyncio.gather(*(it.ask(f"text {number}") for number in range(500)))
        answered = {record.id for [record] in records}
        assert len(answered) == 500
        assert sorted(record.id for commit in it.log for record in commit) == sorted(answered)
        value = it.metrics.registry.get_sample_value
        assert value("bertwatch_log_rows_total") == 500
        assert value("bertwatch_stage_duration_seconds_count", {"stage": "queue"}) == 500
        assert value("bertwatch_batch_texts_sum") == 500
