"""A classifier that is no BERT and is not served by bertwatch: customer churn in XGBoost, on customers made up here.

    python examples/churn.py train churn            the model, and its scores on held-out customers
    python examples/churn.py live churn             today's customers, scored elsewhere and sent to bertwatch
    python examples/churn.py live churn --world price_rise      the same after a price rise that the model never saw

Needs `pip install xgboost-cpu` (or xgboost). What stands between the two is in the README.
"""

from __future__ import annotations

import argparse
import json
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pandas as pd
import xgboost as xgb

FEATURES = ("tenure_months", "monthly_charge", "support_calls", "month_to_month", "usage_gb")
WORLDS = ("as_trained", "price_rise")
BATCH = 200


def customers(count: int, seed: int, world: str = "as_trained") -> pd.DataFrame:
    """Made-up customers with what became of them: `churned` is yes or no."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "tenure_months": np.ceil(rng.gamma(1.6, 18.0, count)).clip(1, 120),
            "monthly_charge": rng.normal(62, 16, count).clip(15, 130).round(2),
            "support_calls": rng.poisson(1.1, count).astype(float),
            "month_to_month": (rng.random(count) < 0.45).astype(float),
            "usage_gb": rng.lognormal(3.0, 0.7, count).round(1),
        }
    )
    urge = (
        -1.6
        - 0.9 * np.log(frame.tenure_months / 24)
        + 0.035 * (frame.monthly_charge - 62)
        + 0.75 * (frame.support_calls - 1)
        + 1.5 * frame.month_to_month
    )
    if world == "price_rise":
        # everybody pays a third more, and now it is the settled customers who look around
        frame["monthly_charge"] = (frame.monthly_charge * 1.33).round(2)
        urge = -0.6 - 0.4 * (urge - urge.mean())
    frame["churned"] = np.where(rng.random(count) < 1 / (1 + np.exp(-urge)), "yes", "no")
    return frame


def train(directory: Path, seed: int) -> None:
    """`model.json`, and `test.csv`: held-out customers with their score and their label."""
    directory.mkdir(parents=True, exist_ok=True)
    learn, test = customers(6000, seed), customers(3000, seed + 1)
    model = xgb.XGBClassifier(n_estimators=120, max_depth=3, learning_rate=0.1, n_jobs=2, random_state=seed)
    model.fit(learn[list(FEATURES)], learn.churned == "yes")
    model.save_model(directory / "model.json")
    test["score"] = model.predict_proba(test[list(FEATURES)])[:, 1].astype(float)
    test.to_csv(directory / "test.csv", index=False)


def live(directory: Path, *, url: str, rows: int, world: str, seed: int, labels: bool) -> None:
    """Score customers where the model lives, and send what it said: numbers, scores, and here the label too."""
    model = xgb.XGBClassifier()
    model.load_model(directory / "model.json")
    frame = customers(rows, seed, world)
    scores = model.predict_proba(frame[list(FEATURES)])[:, 1].astype(float)
    items = [
        {
            "features": {name: float(value) for name, value in zip(FEATURES, numbers, strict=True)},
            "scores": {"no": 1 - score, "yes": score},
            **({"label": label} if labels else {}),
        }
        for numbers, score, label in zip(
            frame[list(FEATURES)].to_numpy().tolist(), scores.tolist(), frame.churned, strict=True
        )
    ]
    for start in range(0, rows, BATCH):
        body = json.dumps({"items": items[start : start + BATCH]}).encode()
        request = urllib.request.Request(f"{url}/predictions", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            json.load(answer)
    sys.stdout.write(f"{rows} predictions sent\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    teach = commands.add_parser("train")
    send = commands.add_parser("live")
    for command in (teach, send):
        command.add_argument("directory", type=Path)
        command.add_argument("--seed", type=int, default=0 if command is teach else 100)
    send.add_argument("--url", default="http://127.0.0.1:8000")
    send.add_argument("--rows", type=int, default=1000)
    send.add_argument("--world", choices=WORLDS, default="as_trained")
    send.add_argument("--no-labels", dest="labels", action="store_false")
    given = parser.parse_args()
    if given.command == "train":
        train(given.directory, given.seed)
    else:
        live(given.directory, url=given.url, rows=given.rows, world=given.world, seed=given.seed, labels=given.labels)


if __name__ == "__main__":
    main()
