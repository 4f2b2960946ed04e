"""The parts of `benchmarks/gpu.py`. Each runs in a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Settings:
    """What every part is given.

    Attributes:
        device: ``'cuda'`` or ``'cpu'``.
        dry_run: Tiny sizes and few repeats.
        deadline: `time.monotonic()` after which no new measurement starts.
        camvid: Folder with ``img`` and ``ann``, or None.
        record: Takes one row of results, which is kept even if the part is stopped later.
    """

    device: str
    dry_run: bool
    deadline: float
    camvid: Path | None
    record: Callable[[dict], None]


class Part(NamedTuple):
    """A part of the run: the module ``gpu_parts.NAME`` has ``run(settings)``.

    Attributes:
        name: Name of the module and of the part's results.
        seconds: Limit, of its time when all parts share 480 seconds.
        about: What it measures.
    """

    name: str
    seconds: int
    about: str


PARTS = (
    Part('environment', 25, 'environment and driver'),
    Part('device_tests', 100, 'tests/cuda'),
    Part('speed', 130, 'training step and prediction beside the peers'),
    Part('batch', 40, 'largest batch of COCO panoptic R50, 800x1333'),
    Part('floor', 15, 'measured rates of the device and the times they allow'),
    Part('mask_losses', 15, 'fused mask losses beside the plain form'),
    Part('training', 120, 'CamVid in bf16 to its end'),
    Part('compiled_speed', 35, 'training step and prediction with torch.compile'),
)
