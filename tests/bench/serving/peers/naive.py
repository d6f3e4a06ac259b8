"""What most people write first: FastAPI around a transformers pipeline. Everything at its default."""

import os

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from transformers import pipeline

app = FastAPI()
classifier = pipeline("text-classification", model=os.environ["MODEL"])


class Question(BaseModel):
    text: str


@app.post("/predict")
def predict(question: Question):
    return classifier(question.text, truncation=True)[0]


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ["PORT"]), log_level="warning")
