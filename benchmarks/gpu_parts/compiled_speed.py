"""The rows of `speed` with backbone and decoders compiled: most of the time is compilation."""

from __future__ import annotations

from . import Settings
from .speed import BF16_CHANNELS_LAST, measure_all


def run(settings: Settings) -> None:
    """A row for each case, model and work that there is time for."""
    measure_all(settings, (BF16_CHANNELS_LAST,), compiled=True)
