"""The largest batch of COCO panoptic R50 (800x1333, 30 segments) that a card can train.

Two batch sizes give the memory of an image and what is held throughout; the batch that should fit is then
tried, and one image more, with the process confined to the card's memory.
"""

from __future__ import annotations

import time

import torch
from measure import MIB, peak_memory

from . import Settings
from .cases import Case, batches
from .speed import BF16, TF32, TrainingStep, allow_tf32, sentence
from .subjects import build
from .timeline import Timeline

CARDS = {'24 GB': 24e9, '80 GB': 80e9}
CONTEXT = 0.6e9  # what CUDA and its libraries hold beside PyTorch
MEASURED = (1, 3)
RUNS = (('ours', BF16), ('mmdet', BF16), ('ours', TF32), ('mmdet', TF32))


def run(settings: Settings) -> None:
    """A row for each model, precision and card."""
    allow_tf32()
    for name, precision in RUNS[:2] if settings.dry_run else RUNS:
        row = dict(name=name, precision=precision)
        if time.monotonic() > settings.deadline:
            settings.record(dict(row, failure='not run: no time was left'))
            continue
        try:
            trial = Trial(name, precision, settings)
            fixed, per_image = trial.memory()
            row.update(fixed_mib=fixed / MIB, mib_per_image=per_image / MIB)
            for card, size in CARDS.items():
                predicted = max(0, int((size - CONTEXT - fixed) // per_image))
                settings.record(dict(row, card=card, predicted=predicted, **_check(trial, predicted, size)))
        except Exception as error:
            settings.record(dict(row, failure=sentence(error)))


class Trial:
    """A model whose training step can be given any batch."""

    def __init__(self, name: str, precision: str, settings: Settings):
        self.settings, self.takes = settings, 1 if name == 'mmdet' else 0
        self.subject = build(name, self._case(1), settings.device)
        self.subject.model.train()
        self.step = TrainingStep(self.subject, precision, settings, Timeline(settings.device))
        self.step()  # the optimizer's state

    def memory(self) -> tuple[float, float]:
        """Bytes held whatever the batch, and bytes for each image, of the peaks of two batches."""
        few, many = MEASURED
        low, high = (self._peak(batch) for batch in MEASURED)
        per_image = max((high - low) / (many - few), 1.0)
        return low - few * per_image, per_image

    def fits(self, batch: int) -> bool:
        """Whether a step runs."""
        self.subject.batch = batches(self._case(batch))[self.takes]
        torch.cuda.empty_cache()
        try:
            self.step()
        except torch.OutOfMemoryError:
            return False
        finally:
            self.step.optimizer.zero_grad(set_to_none=True)
        return True

    def _case(self, batch: int) -> Case:
        height, width, segments = (64, 96, 4) if self.settings.dry_run else (800, 1333, 30)
        return Case('panoptic', 'R50', height, width, batch, segments, self.settings.dry_run)

    def _peak(self, batch: int) -> float:
        """Bytes at the peak of a step: of PyTorch's reserve on a GPU, of the process on a CPU."""
        self.subject.batch = batches(self._case(batch))[self.takes]
        if self.settings.device == 'cpu':
            return peak_memory(self.step, torch.device('cpu')) * MIB
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        self.step()
        return torch.cuda.max_memory_reserved()


def _check(trial: Trial, predicted: int, size: float) -> dict:
    """Try the batch that should fit, then fewer or more until the border is found."""
    if trial.settings.device == 'cpu':
        return dict(largest=None, remark='not tried: no GPU')
    total = torch.cuda.get_device_properties(0).total_memory
    if size > total + CONTEXT:
        return dict(largest=None, remark=f'not tried: the card has {total / 1e9:.0f} GB')
    torch.cuda.set_per_process_memory_fraction(min(1.0, (size - CONTEXT) / total))
    tried: dict[int, bool] = {}
    batch = predicted
    try:
        while batch > 0 and batch not in tried and time.monotonic() < trial.settings.deadline:
            tried[batch] = trial.fits(batch)
            batch += 1 if tried[batch] else -1
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
        torch.cuda.empty_cache()
    largest = max((batch for batch, fits in tried.items() if fits), default=0)
    remark = '' if tried.get(largest + 1) is False else 'the border was not found in the time given'
    return dict(largest=largest, remark=remark, tried={str(batch): fits for batch, fits in tried.items()})
