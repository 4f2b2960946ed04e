"""Tensors that behave as a GPU's where there is none: they reach the host through ``cpu()`` alone."""

from __future__ import annotations

from typing import Any

import torch


class TensorOnGpu(torch.Tensor):
    """What is computed from it is one too."""

    def cpu(self) -> torch.Tensor:
        return self.as_subclass(torch.Tensor)

    def numpy(self) -> Any:
        raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() first.")


def on_gpu(tensor: torch.Tensor) -> TensorOnGpu:
    return tensor.detach().as_subclass(TensorOnGpu)
