"""mosec with torch: as its example for DistilBERT batches, or N workers of one thread without batching (WORKERS)."""

import os

import torch
from mosec import Server, Worker
from transformers import AutoModelForSequenceClassification, AutoTokenizer

WORKERS = int(os.environ.get("WORKERS", "0"))
BATCH = 32


class Preprocess(Worker):
    def __init__(self):
        self.tokenizer = AutoTokenizer.from_pretrained(os.environ["MODEL"])

    def forward(self, data):
        return self.tokenizer.encode(data["text"], truncation=True)


class Inference(Worker):
    def __init__(self):
        self.model = AutoModelForSequenceClassification.from_pretrained(os.environ["MODEL"]).eval()
        self.example = [[101, 2023, 2003, 102]] * BATCH

    def forward(self, data):
        tokens = [torch.tensor(ids) for ids in data]
        padded = torch.nn.utils.rnn.pad_sequence(tokens, batch_first=True)
        kept = torch.nn.utils.rnn.pad_sequence([torch.ones_like(ids) for ids in tokens], batch_first=True)
        with torch.inference_mode():
            scores = self.model(padded, attention_mask=kept).logits.softmax(dim=-1).tolist()
        names = self.model.config.id2label
        return [{"label": names[row.index(max(row))], "score": max(row)} for row in scores]


class OneThread(Worker):
    def __init__(self):
        torch.set_num_threads(1)
        self.tokenizer = AutoTokenizer.from_pretrained(os.environ["MODEL"])
        self.model = AutoModelForSequenceClassification.from_pretrained(os.environ["MODEL"]).eval()

    def forward(self, data):
        inputs = self.tokenizer(data["text"], return_tensors="pt", truncation=True)
        with torch.inference_mode():
            row = self.model(**inputs).logits.softmax(dim=-1)[0].tolist()
        return {"label": self.model.config.id2label[row.index(max(row))], "score": max(row)}


if __name__ == "__main__":
    server = Server()
    if WORKERS:
        server.append_worker(OneThread, num=WORKERS)
    else:
        server.append_worker(Preprocess)
        server.append_worker(Inference, max_batch_size=BATCH)
    server.run()
