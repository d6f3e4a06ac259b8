"""Canned answers of GET /status and GET /status/history, one pair for each state that the page must show.

Written by hand after the contract; knows nothing of the service that gives the real ones.
"""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]

LABELS = ("World", "Sports", "Business", "Sci/Tech")
BASELINE_MIX = {"World": 0.25, "Sports": 0.26, "Business": 0.24, "Sci/Tech": 0.25}
BASELINE_ACCURACY = 0.921
HOSTILE = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"
RIGHT_TO_LEFT = "\u202eאקטואליה \u2067מבזק"
LONG = ("a_class_with_a_name_that_nobody_would_read_to_its_end_" * 200)[:10_000]


BLAME: Json = {
    "words": {
        "over": [
            {"word": "league", "z": 7.9, "window": 0.143, "baseline": 0.052},
            {"word": "season", "z": 6.2, "window": 0.118, "baseline": 0.047},
            {"word": "goal", "z": 5.1, "window": 0.087, "baseline": 0.036},
        ],
        "under": [
            {"word": "minister", "z": -5.4, "window": 0.031, "baseline": 0.078},
            {"word": "shares", "z": -4.6, "window": 0.042, "baseline": 0.089},
        ],
    },
    "segments": [
        {"segment": "shop-eu", "rows": 214, "share": 0.172, "accuracy": 0.714, "low": 0.585, "high": 0.821,
         "labels": 63, "baseline_accuracy": 0.902, "effect": 0.31, "column": "characters"},
        {"segment": "wire", "rows": 402, "share": 0.324, "accuracy": None, "low": None, "high": None, "labels": 0,
         "baseline_accuracy": 0.921, "effect": 0.22, "column": "score_Sports"},
    ],
    "examples": ["01920b5a-7c3e-7d10-9f3a-2b6c1d4e5f60", "01920b5a-7c3e-7d10-9f3a-2b6c1d4e5f61"],
}  # fmt: skip


@dataclass
class State:
    """What the service says now; a test changes it while the page looks."""

    status: Json
    history: Json


def iso(now: datetime, **back: float) -> str:
    return (now - timedelta(**back)).isoformat().replace("+00:00", "Z")


def check(name: str, title: str, aspect: str, state: str, **more: Any) -> Json:
    plain = {"score": None, "threshold": None, "p_value": None, "count": 1240, "summary": "", "estimate": None}
    return {"check": name, "title": title, "aspect": aspect, "state": state, "details": {}, **plain, **more}


def quiet_checks() -> list[Json]:
    return [
        check("words", "Words", "input", "ok", score=1.12, threshold=4.31, p_value=0.0759,
              summary="The words are those of the baseline.",
              details={"largest": {"share_of_unknown_words": 0.0123, "new_words": 4}}),
        check("lengths", "Text length", "input", "ok", score=0.43, threshold=4.31, p_value=0.3715,
              summary="Texts are as long as in the baseline: 38 words at the median."),
        check("scores", "Scores", "output", "ok", score=0.88, threshold=4.31, p_value=0.1318,
              summary="The model is as sure as in the baseline."),
        check("class_mix", "Class mix", "class_mix", "ok", score=0.61, threshold=4.31, p_value=0.2455,
              summary="Each class comes as often as in the baseline."),
        check("faults", "Data faults", "data", "ok", score=0.2, threshold=4.31,
              summary="No empty, repeated or cut-off texts beyond the usual."),
        check("betting", "Labelled accuracy, betting test", "harm", "ok", score=0.31, threshold=3.0, count=812,
              summary="812 labels give no evidence that accuracy has fallen by more than 2 points."),
        check("accuracy", "Accuracy", "accuracy", "ok", count=812, summary="Accuracy is 92 % on 812 labels."),
        check("estimate", "Estimated accuracy", "estimate", "ok",
              summary="Without labels, accuracy is estimated at 93 %."),
        check("segments", "Segments", "input", "insufficient", count=0, summary="No segment has 50 rows yet."),
    ]  # fmt: skip


def series(now: datetime, rounds: int, minutes: float, shape: Callable[[float], Json]) -> list[Json]:
    """`rounds` points, the newest now; `shape` gives drift, drop and labels at a share of the way."""
    noise = random.Random(7)
    points = []
    for index in range(rounds):
        way = index / max(1, rounds - 1)
        made = shape(way)
        labels = int(made.get("labels", 60 + 750 * way))
        value = BASELINE_ACCURACY - made.get("drop", 0.0) + 0.004 * math.sin(index / 5) + noise.gauss(0, 0.003)
        half = 1.96 * math.sqrt(0.08 / max(labels, 1)) + 0.004
        guess = value + 0.006 + noise.gauss(0, 0.002)
        trusted = made.get("trusted", True)
        points.append({
            "time": iso(now, minutes=(rounds - 1 - index) * minutes),
            "verdict": made.get("verdict", "ok"),
            "severity": made.get("severity", "none"),
            "count": 1200,
            "accuracy": {"value": value, "low": value - half, "high": min(1.0, value + half * 0.8), "labels": labels}
            if labels else None,
            "estimated_accuracy": {"value": guess, "low": guess - 0.012, "high": guess + 0.012, "trusted": trusted},
            "drift": max(0.02, made.get("drift", 0.3) + abs(noise.gauss(0, 0.12))),
            "class_mix": made.get("mix", BASELINE_MIX),
            "confidence": 0.93 - made.get("drop", 0.0) * 0.7 + noise.gauss(0, 0.004),
        })  # fmt: skip
    return points


def ok(now: datetime) -> State:
    mix = {"World": 0.262, "Sports": 0.248, "Business": 0.251, "Sci/Tech": 0.239}
    points = series(now, 96, 15, lambda way: {"mix": mix, "drift": 0.45 if 0.55 < way < 0.6 else 0.24})
    status: Json = {
        "model": {"version": "3f9c1ad27b04", "name": "ag-news-bert", "labels": list(LABELS), "engine": "onnx",
                  "precision": "fp32", "baseline": "b-20261118-77a1"},
        "predictions": {"total": 48_213, "last_hour": 1_240, "newest": iso(now, seconds=2)},
        "accuracy": {"coverage": 0.164, "lag_seconds": 5400, "baseline": BASELINE_ACCURACY},
        "estimated_accuracy": {},
        "verdict": {"kind": "ok", "severity": "none", "time": iso(now, seconds=72), "since": iso(now, hours=27),
                    "reasons": [],
                    "window": {"start": iso(now, minutes=61), "end": iso(now, minutes=1), "count": 1240},
                    "details": {"class_mix": mix, "baseline_class_mix": BASELINE_MIX, "confidence": 0.931,
                                "baseline_confidence": 0.934}},
        "checks": quiet_checks(),
        "episodes": [
            {"id": "e1", "opened": iso(now, days=3, hours=4), "resolved": iso(now, days=3, hours=1),
             "kind": "data_fault", "severity": "ticket", "reasons": ["12 % of the texts were empty."],
             "report": "r1"},
        ],
        "monitor": {"last_round": iso(now, seconds=72), "interval_seconds": 300.0, "stale": False},
        "reports": [{"id": "r1", "asked": iso(now, days=3, hours=4), "made": iso(now, days=3, hours=4),
                     "episode": "e1", "state": "made"}],
    }  # fmt: skip
    status["accuracy"] |= points[-1]["accuracy"]
    status["estimated_accuracy"] |= points[-1]["estimated_accuracy"]
    return State(status, {"points": points, "baseline": {"accuracy": BASELINE_ACCURACY, "class_mix": BASELINE_MIX}})


def empty(now: datetime) -> State:
    model: Json = {"version": "3f9c1ad27b04", "name": "tiny", "labels": list(LABELS), "engine": "torch",
                   "precision": "fp32", "baseline": "b-20261118-77a1"}  # fmt: skip
    status: Json = {
        "model": model,
        "predictions": {"total": 0, "last_hour": 0, "newest": None},
        "accuracy": None,
        "estimated_accuracy": None,
        "verdict": None,
        "checks": [],
        "episodes": [],
        "monitor": {"last_round": None, "interval_seconds": 300.0, "stale": True},
        "reports": [],
    }
    return State(status, {"points": [], "baseline": {"accuracy": None, "class_mix": None}})


def few(now: datetime) -> State:
    """Three rounds after the start, without labels."""
    state = ok(now)
    state.status |= {"accuracy": None, "episodes": [], "reports": []}
    state.status["verdict"] |= {"kind": "insufficient_data", "reasons": ["The window holds 140 of 200 rows."]}
    state.history["points"] = series(now, 3, 1, lambda _: {"labels": 0})
    return state


def benign(now: datetime) -> State:
    state = ok(now)
    mix = {"World": 0.21, "Sports": 0.38, "Business": 0.19, "Sci/Tech": 0.22}
    state.history["points"] = series(
        now, 96, 15, lambda way: {"drift": 0.3 if way < 0.7 else 1.7, "verdict": "benign_drift", "mix": mix}
    )
    reason = "The words differ from the baseline's: more of “league”, “season”; fewer of “minister”."
    state.status["verdict"] |= {"kind": "benign_drift", "severity": "notice", "since": iso(now, hours=7),
                                "reasons": [reason, "812 labels say that accuracy is within 2 points."]}  # fmt: skip
    state.status["verdict"]["details"] |= {"class_mix": mix, **BLAME}
    words = state.status["checks"][0]
    words |= {"state": "alarm", "score": 7.4, "p_value": 4e-8, "summary": reason}
    state.status["episodes"].insert(0, {
        "id": "e2", "opened": iso(now, hours=7), "resolved": None, "kind": "benign_drift", "severity": "notice",
        "reasons": [reason], "report": "r2",
    })  # fmt: skip
    state.status["reports"].insert(0, {"id": "r2", "asked": iso(now, minutes=2), "made": None, "episode": "e2",
                                       "state": "waiting"})  # fmt: skip
    return state


def harmful(now: datetime) -> State:
    state = ok(now)
    mix = {"World": 0.41, "Sports": 0.12, "Business": 0.29, "Sci/Tech": 0.18}

    def shape(way: float) -> Json:
        if way < 0.72:
            return {"drift": 0.25}
        gone = min(1.0, (way - 0.72) / 0.1)
        return {"drift": 0.3 + 8 * gone, "drop": 0.14 * gone, "severity": "page", "verdict": "harmful",
                "trusted": way < 0.8, "mix": mix}  # fmt: skip

    state.history["points"] = series(now, 96, 15, shape)
    newest = state.history["points"][-1]
    found = newest["accuracy"]["value"]
    reasons = [
        f"Labels prove a loss of more than 2 points: accuracy is {found:.1%} where the baseline has 92.1%.",
        "The words differ from the baseline's, most in the class World.",
        "Short texts are to blame first: 31 % of them are wrong.",
    ]
    state.status["accuracy"] |= newest["accuracy"] | {"coverage": 0.52, "lag_seconds": 240}
    state.status["estimated_accuracy"] = newest["estimated_accuracy"]
    state.status["verdict"] |= {"kind": "harmful", "severity": "page", "since": iso(now, hours=5, minutes=40),
                                "reasons": reasons}  # fmt: skip
    state.status["verdict"]["details"] |= {"class_mix": mix, **BLAME}
    for name, score in (("words", 38.2), ("scores", 9.1), ("betting", 5.7)):
        alarmed = next(each for each in state.status["checks"] if each["check"] == name)
        alarmed |= {"state": "alarm", "score": score, "summary": reasons[0] if name == "betting" else reasons[1]}
    estimate = next(each for each in state.status["checks"] if each["check"] == "estimate")
    estimate["summary"] = "Accuracy is estimated at 79 %; not to be trusted: the inputs are too far from the baseline."
    state.status["checks"][1] |= {"state": "failed", "score": None, "summary": "The check broke: ValueError."}
    state.status["episodes"].insert(0, {
        "id": "e3", "opened": iso(now, hours=5, minutes=40), "resolved": None, "kind": "harmful",
        "severity": "page", "reasons": reasons[:2], "report": "r3",
    })  # fmt: skip
    for report, back, what in (("r3", 5.6, "made"), ("r0", 90.0, "failed")):
        made = iso(now, hours=back) if what == "made" else None
        state.status["reports"].insert(
            0, {"id": report, "asked": iso(now, hours=back), "made": made, "episode": None, "state": what}
        )
    return state


def untrusted(now: datetime) -> State:
    state = harmful(now)
    state.status |= {"accuracy": None}
    state.status["verdict"] |= {"kind": "suspected_harm_severe", "reasons": ["The texts are in another language."]}
    state.history["points"] = [point | {"accuracy": None} for point in state.history["points"]]
    return state


def stale(now: datetime) -> State:
    state = ok(now)
    state.status["monitor"] |= {"last_round": iso(now, hours=2, minutes=10), "stale": True}
    return state


def hostile(now: datetime) -> State:
    """Every string that somebody else may have chosen is an attack, right-to-left, or far too long."""
    state = harmful(now)
    names = [HOSTILE, RIGHT_TO_LEFT, LONG, "Sports", *(f"class {number:02}" for number in range(20))]
    share = 1 / len(names)
    mix = dict.fromkeys(names, share) | {HOSTILE: 3 * share}
    state.status["model"] |= {"name": HOSTILE + LONG, "labels": names, "version": LONG[:80]}
    state.status["verdict"] |= {"reasons": [HOSTILE, RIGHT_TO_LEFT, LONG]}
    state.status["verdict"]["details"] = {"class_mix": mix, "baseline_class_mix": mix}
    for each, text in zip(state.status["checks"], (HOSTILE, RIGHT_TO_LEFT, LONG), strict=False):
        each |= {"title": text, "summary": text, "details": {text: {text: text}}}
    state.status["verdict"]["details"] |= {
        "words": {"over": [{"word": text, "window": 0.5, "baseline": 0.1} for text in (HOSTILE, LONG)], "under": None},
        "segments": [{"segment": RIGHT_TO_LEFT, "rows": 3, "share": 0.1, "column": HOSTILE, "effect": None}],
        "examples": [HOSTILE],
    }
    state.status["episodes"][0] |= {"reasons": [HOSTILE, LONG], "kind": HOSTILE, "severity": HOSTILE}
    state.status["reports"][0] |= {"id": "../" + HOSTILE, "state": "made"}
    state.history = copy.deepcopy(state.history)
    state.history["baseline"]["class_mix"] = dict.fromkeys(names, share)
    return state


TEXTS = (
    ("Shares of the two largest shipping lines fell for a third day as freight rates sank.", "Business", 0.97, "wire"),
    ("The midfielder will miss the final after a scan showed a torn ligament.", "Sports", 0.99, "wire"),
    ("Engineers say that the probe answered for the first time since it landed in the crater.", "Sci/Tech", 0.91, None),
    ("Ministers met through the night and left without an agreement on the border.", "World", 0.88, "desk"),
    ("A start-up that sells chips to car makers doubled its sales, and its share price.", "Sci/Tech", 0.51, None),
    ("Rain held up play for two hours before the last four wickets fell.", "Sports", 0.98, "wire"),
    ("The central bank left its rate where it was and said that it would wait for autumn.", "Business", 0.95, "desk"),
    ("A court in the capital ordered a recount in eleven districts.", "World", 0.93, "desk"),
    ("Her third gold of the week came in a race that she had not meant to enter.", "Sports", 0.99, None),
    ("The browser will warn of pages that ask for a password without encryption.", "Sci/Tech", 0.96, "wire"),
    ("The airline and its pilots agreed on a shorter contract, which ends the strike.", "Business", 0.74, "wire"),
)


def questions(count: int = 24) -> list[Json]:
    """Canned answer of GET /audit."""
    asked = []
    for number in range(count):
        text, label, confidence, segment = TEXTS[number % len(TEXTS)]
        rest = (1 - confidence) / (len(LABELS) - 1)
        asked.append({
            "prediction_id": f"01920b5a-7c3e-7d10-9f3a-{number:012}",
            "text": text if number < len(TEXTS) else f"{text} (No. {number + 1})",
            "label": label,
            "confidence": confidence,
            "scores": {each: confidence if each == label else rest for each in LABELS},
            "segment": segment,
            "probability": 0.02,
        })  # fmt: skip
    return asked


STATES: dict[str, Callable[[datetime], State]] = {
    each.__name__: each for each in (ok, empty, few, benign, harmful, untrusted, stale, hostile)
}


def state(name: str) -> State:
    return STATES[name](datetime.now(UTC))
