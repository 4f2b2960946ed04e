"""Softmax and sigmoid in float32."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def softmax(logits: NDArray[Any]) -> NDArray[np.float32]:
    """Softmax over the last axis."""
    shifted = np.exp(logits.astype(np.float32) - logits.max(-1, keepdims=True))
    return shifted / shifted.sum(-1, keepdims=True)


def sigmoid(logits: NDArray[Any]) -> NDArray[np.float32]:
    """Sigmoid, computed in the memory of ``logits``."""
    np.negative(logits, out=logits)
    with np.errstate(over='ignore'):  # exp of a large number: 1 / infinity is the right result
        np.exp(logits, out=logits)
    logits += 1
    return np.reciprocal(logits, out=logits)


def log_sigmoid(logits: NDArray[Any]) -> NDArray[np.float32]:
    """Logarithm of the sigmoid, accurate for any logit."""
    return -np.logaddexp(np.float32(0), -logits.astype(np.float32))
