"""BentoML: as its quickstart, with adaptive batching at its defaults."""

from __future__ import annotations

import os

import bentoml


@bentoml.service(resources={"cpu": str(os.cpu_count())})
class Answers:
    def __init__(self) -> None:
        from transformers import pipeline

        self.classifier = pipeline("text-classification", model=os.environ["MODEL"])

    @bentoml.api(batchable=True)
    def predict(self, texts: list[str]) -> list[str]:
        return [answer["label"] for answer in self.classifier(texts, truncation=True)]
