"""What was measured, as ratios, bounds and Markdown. Knows nothing of processes or of load."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.bench.serving.load import Point

DECIDES = 32
"""The concurrency at which the bounds are read."""


@dataclass(frozen=True, slots=True)
class Result:
    """One run of one contender."""

    name: str
    role: str
    engine: str | None
    ready: float
    """Seconds from start to the first answer."""
    memory: Mapping[int, float]
    """MiB, the largest seen at each concurrency."""
    points: Mapping[int, Point]

    def rate(self, concurrency: int = DECIDES) -> float:
        return self.points[concurrency].rate if concurrency in self.points else 0.0


@dataclass(frozen=True, slots=True)
class Raw:
    """An engine without HTTP."""

    rate: float
    """Texts a second of all workers, the better of one and eight at a time."""
    forward: float
    """Milliseconds of one text's forward pass alone, on one thread."""


@dataclass(frozen=True, slots=True)
class Bound:
    """One figure that was to be reached; `value` is None where the run did not measure it."""

    words: str
    value: float | None
    needed: float
    at_most: bool = False
    unit: str = "×"

    @property
    def reached(self) -> bool | None:
        if self.value is None:
            return None
        return self.value <= self.needed if self.at_most else self.value >= self.needed

    def line(self) -> str:
        said = {True: "reached", False: "NOT reached", None: "not measured"}[self.reached]
        value = "–" if self.value is None else f"{self.value:.2f} {self.unit}"
        return f"| {self.words} | {'≤' if self.at_most else '≥'} {self.needed:g} {self.unit} | {value} | {said} |"


def bounds(results: Sequence[Result], raw: Mapping[str, Raw]) -> list[Bound]:
    """All that the project wants to reach, of this run."""
    exact, small = _ours(results, "onnx"), _ours(results, "onnx-int8")
    default, retuned = _best(results, "default"), _best(results, "retuned")
    return [
        Bound("exact engine / best peer with its defaults", _ratio(exact, default), 3),
        Bound("exact engine / best re-tuned torch peer", _ratio(exact, retuned), 1.25),
        *_same_engine("exact engine", exact, results, "onnx"),
        Bound("int8 / best peer with its defaults", _ratio(small, default), 5),
        *_same_engine("int8", small, results, "onnx-int8"),
        Bound("int8 / raw engine, no HTTP", _ratio(small, raw["onnx-int8"].rate if "onnx-int8" in raw else None), 0.8),
        *(_lone(results, raw, engine) for engine in ("onnx", "onnx-int8")),
        Bound("memory of the onnx service", _memory(results, "onnx"), 500, at_most=True, unit="MiB"),
        Bound("start to first answer, onnx", _ready(results, "onnx"), 3, at_most=True, unit="s"),
    ]


def _same_engine(words: str, rate: float | None, results: Sequence[Result], engine: str) -> list[Bound]:
    """mosec re-set to N×1 as the other peers are, and as it is fastest, with batches too."""
    return [
        Bound(f"{words} / mosec N×1 with the same engine{more}", _ratio(rate, _best(results, role, engine)), 1)
        for more, role in (("", "same-engine"), (", in batches", "same-engine-batching"))
    ]


def _runs(results: Iterable[Result], role: str, engine: str | None = None) -> list[Result]:
    return [each for each in results if each.role == role and (engine is None or each.engine == engine)]


def _best(results: Iterable[Result], role: str, engine: str | None = None) -> float | None:
    """The highest rate of a role; every run counts, also a control's second."""
    return max((each.rate() for each in _runs(results, role, engine)), default=None)


def _ours(results: Iterable[Result], engine: str) -> float | None:
    """The mean of our own runs: luck does not count for us."""
    rates = [each.rate() for each in _runs(results, "ours", engine) if DECIDES in each.points]
    return sum(rates) / len(rates) if rates else None


def _ratio(value: float | None, other: float | None) -> float | None:
    return None if value is None or not other else value / other


def _lone(results: Iterable[Result], raw: Mapping[str, Raw], engine: str) -> Bound:
    medians = [each.points[1].p50 for each in _runs(results, "ours", engine) if 1 in each.points]
    more = sum(medians) / len(medians) - raw[engine].forward if medians and engine in raw else None
    return Bound(f"lone request p50 beyond the bare forward pass, {engine}", more, 3, at_most=True, unit="ms")


def _memory(results: Iterable[Result], engine: str) -> float | None:
    return max((max(each.memory.values()) for each in _runs(results, "ours", engine) if each.memory), default=None)


def _ready(results: Iterable[Result], engine: str) -> float | None:
    return max((each.ready for each in _runs(results, "ours", engine)), default=None)


def markdown(results: Sequence[Result], raw: Mapping[str, Raw], concurrencies: Sequence[int]) -> str:
    """Rates with medians and 99th percentiles, the bounds, and the noise of the run."""
    head = ["server", *(f"c={each}" for each in concurrencies), "MiB", "ready, s"]
    lines = ["ok requests/s (p50 / p99 ms)", "", _row(head), _row(["---"] * len(head))]
    for each in results:
        cells = [_cell(each.points[at]) if at in each.points else "–" for at in concurrencies]
        memory = f"{max(each.memory.values()):.0f}" if each.memory else "–"
        lines.append(_row([each.name, *cells, memory, f"{each.ready:.1f}" if each.points else "failed"]))
    lines += ["", _row([f"bound at c={DECIDES}", "to reach", "measured", ""]), _row(["---"] * 4)]
    lines += [bound.line() for bound in bounds(results, raw)]
    engines = [f"{name} {one.rate:.0f} texts/s, one forward pass {one.forward:.1f} ms" for name, one in raw.items()]
    noise = [f"{name} ×{last / first:.2f}" for name, first, last in controls(results) if first]
    lines += ["", f"Raw engines, all workers, no HTTP: {'; '.join(engines) or 'not measured'}."]
    lines += [f"Noise, last run of a control / its first, at c={DECIDES}: {', '.join(noise) or 'not measured'}."]
    return "\n".join(lines) + "\n"


def controls(results: Sequence[Result]) -> list[tuple[str, float, float]]:
    """Contenders that ran twice, with both rates."""
    names = [each.name for each in results]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    return [(name, *(each.rate() for each in results if each.name == name)) for name in twice]  # type: ignore[misc]  # two runs, two rates


def _cell(point: Point) -> str:
    lost = f", {point.refused + point.broken} not ok" if point.refused + point.broken else ""
    return f"{point.rate:.0f} ({point.p50:.0f} / {point.p99:.0f}{lost})"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
