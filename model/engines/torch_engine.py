"""The torch engine: the model as transformers builds it, in fp32, on CUDA where present.

On a CPU each calling thread computes on one core; the weights are in memory once for all threads.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from model.artifact import Artifact
from model.engines import EXACT, Engine
from model.errors import InputError
from model.loading import loading


def open_engine(artifact: Artifact) -> Engine:
    return TorchEngine(artifact)


def on_gpu() -> bool:
    """Whether this engine would compute on a GPU."""
    return torch.cuda.is_available()


class TorchEngine:
    """Runs AutoModelForSequenceClassification under `torch.inference_mode`; see `model.engines.Engine`."""

    name = "torch"
    precision = EXACT

    def __init__(self, artifact: Artifact, device: str | None = None) -> None:
        self.device = torch.device(device or ("cuda" if on_gpu() else "cpu"))
        model = _load(artifact).eval().to(self.device)
        self._base = model.base_model
        self._model = model
        self._thread = _OneCore()
        self._seen = threading.local()
        # The head reads what the encoder returns; the hook takes the same tensor as it passes by.
        self._base.register_forward_hook(self._keep_first_token)

    def run(
        self,
        input_ids: NDArray[np.int64],
        attention_mask: NDArray[np.int64],
        token_type_ids: NDArray[np.int64] | None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits (n, classes) and last hidden states of the first tokens (n, hidden)."""
        if self.device.type == "cpu":
            self._thread.enter()
        inputs = {"input_ids": self._tensor(input_ids), "attention_mask": self._tensor(attention_mask)}
        if token_type_ids is not None:
            inputs["token_type_ids"] = self._tensor(token_type_ids)
        with torch.inference_mode():
            logits = self._model(**inputs).logits
            first: torch.Tensor = self._seen.first
            del self._seen.first
            return logits.float().cpu().numpy(), first.float().cpu().numpy()

    def _keep_first_token(self, module: Any, inputs: Any, output: Any) -> None:
        self._seen.first = output[0][:, 0]

    def _tensor(self, array: NDArray[np.int64]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)


class _OneCore(threading.local):
    """Sets torch to one thread, once in each thread that calls.

    The number is a property of the calling thread (OpenMP's and MKL's are), so setting it where the
    engine is made would leave the workers at all cores each.
    """

    def __init__(self) -> None:
        self._set = False

    def enter(self) -> None:
        if not self._set:
            torch.set_num_threads(1)
            self._set = True


def _load(artifact: Artifact) -> Any:
    from transformers import AutoModelForSequenceClassification  # seconds, and only for this engine

    with loading():
        try:
            model, report = AutoModelForSequenceClassification.from_pretrained(
                str(artifact.path),
                dtype=torch.float32,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                output_loading_info=True,
            )
        except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"The model in {artifact.path} cannot be loaded ({type(error).__name__}): weights and config.json "
                "do not fit together; save or fetch it anew."
            ) from error
    missing = sorted(report["missing_keys"])
    if missing:
        raise InputError(
            f"The weights in {artifact.path} lack {len(missing)} tensors ({missing[0]}, …); save the model anew."
        )
    return model
