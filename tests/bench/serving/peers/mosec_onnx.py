"""mosec with our own engines and tokenizer, N processes of one thread: its HTTP and workers against ours."""

import os

from mosec import Server, Worker

from model.artifact import open_artifact
from model.classifier import softmax
from model.engines.registry import open_engine
from model.tokenization import open_tokenizer

BATCH = int(os.environ["BATCH"])


class OneThread(Worker):
    def __init__(self):
        artifact = open_artifact(os.environ["MODEL"])
        self.engine = open_engine(os.environ["ENGINE"], artifact)
        self.tokenizer = open_tokenizer(artifact)
        self.names = artifact.info.labels

    def forward(self, data):
        questions = data if BATCH > 1 else [data]
        batch = self.tokenizer.batch([question["text"] for question in questions])
        logits, _ = self.engine.run(batch.input_ids, batch.attention_mask, batch.token_type_ids)
        rows = softmax(logits).tolist()
        answers = [{"label": self.names[row.index(max(row))], "scores": row} for row in rows]
        return answers if BATCH > 1 else answers[0]


if __name__ == "__main__":
    server = Server()
    wait = {"max_batch_size": BATCH, "max_wait_time": 1} if BATCH > 1 else {}
    server.append_worker(OneThread, num=int(os.environ["WORKERS"]), **wait)
    server.run()
