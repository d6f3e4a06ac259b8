"""LitServe: as its documentation batches, or N workers of one thread without batching (WORKERS)."""

import os

import litserve
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

WORKERS = int(os.environ.get("WORKERS", "0"))


class Answers(litserve.LitAPI):
    def setup(self, device):
        if WORKERS:
            torch.set_num_threads(1)
        self.tokenizer = AutoTokenizer.from_pretrained(os.environ["MODEL"])
        self.model = AutoModelForSequenceClassification.from_pretrained(os.environ["MODEL"]).to(device).eval()
        self.names = self.model.config.id2label

    def decode_request(self, request):
        return request["text"]

    def predict(self, asked):
        texts = [asked] if isinstance(asked, str) else list(asked)
        inputs = self.tokenizer(texts, return_tensors="pt", padding=True, truncation=True).to(self.model.device)
        with torch.inference_mode():
            scores = self.model(**inputs).logits.softmax(dim=-1).tolist()
        return scores[0] if isinstance(asked, str) else scores

    def encode_response(self, scores):
        best = max(range(len(scores)), key=scores.__getitem__)
        return {"label": self.names[best], "score": scores[best]}


if __name__ == "__main__":
    if WORKERS:
        server = litserve.LitServer(Answers(), accelerator="cpu", workers_per_device=WORKERS)
    else:
        server = litserve.LitServer(Answers(max_batch_size=8, batch_timeout=0.01), accelerator="auto")
    server.run(port=int(os.environ["PORT"]), log_level="warning", generate_client_file=False)
