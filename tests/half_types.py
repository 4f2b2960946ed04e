"""The half-precision types that autocast takes on a CPU."""

import warnings

import pytest
import torch


def _float16_on_cpu() -> bool:
    """Autocast of PyTorch 2.1 warns and turns itself off, or refuses."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        try:
            with torch.autocast('cpu', torch.float16):
                return torch.is_autocast_cpu_enabled()
        except RuntimeError:
            return False


NEEDS_FLOAT16 = pytest.mark.skipif(not _float16_on_cpu(), reason='no float16 under autocast on CPUs')
HALF_TYPES = [pytest.param(torch.float16, marks=NEEDS_FLOAT16), torch.bfloat16]
