"""Mixed precision in bfloat16, on GPUs and CPUs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from mmengine.runner.amp import autocast
from torch import nn

from ..registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class Bfloat16OptimWrapper(OptimWrapper):
    """`OptimWrapper` under bfloat16 autocast.

    bfloat16 has the range of float32, so unlike MMEngine's `AmpOptimWrapper` it needs no loss scale, skips no
    step, and runs without a GPU too. Parameters, gradients, matching and losses stay float32.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Autocast of the forward pass."""
        with super().optim_context(model), autocast(dtype=torch.bfloat16):
            yield
