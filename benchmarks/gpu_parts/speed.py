"""Training step and prediction, ours beside the peers, in every precision: time, memory, time by part."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from functools import partial

import torch
from measure import MIB, peak_memory, seconds_of

from . import Settings
from .cases import CASES, TINY_CASES, Case
from .subjects import Subject, build, confident_classes, names
from .timeline import Timeline

TF32, BF16, BF16_CHANNELS_LAST = 'TF32', 'bf16', 'bf16, channels last'
PRECISIONS = (TF32, BF16)  # channels last gained nothing for a training step of R50 on an H100
WARM_UP, REPEATS, RECORDED_STEPS = 2, 5, 2


class TrainingStep:
    """Preprocessing, forward, losses, backward, clipping, AdamW (fused, for everyone)."""

    def __init__(self, subject: Subject, precision: str, settings: Settings, timeline: Timeline):
        self.subject, self.timeline = subject, timeline
        self.autocast = autocast(precision, settings)
        self.parameters = [p for p in subject.model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(self.parameters, lr=1e-5, weight_decay=1e-4, fused=True)

    def __call__(self) -> None:
        with self.autocast():
            loss = self.subject.loss()
        with self.timeline.part('backward'):
            loss.backward()
        with self.timeline.part('optimizer'):
            torch.nn.utils.clip_grad_norm_(self.parameters, 0.01)
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)


def autocast(precision: str, settings: Settings) -> Callable:
    """Makes the context of a precision. In a dry run it does nothing: few CPUs compute in bfloat16."""
    if precision == TF32:
        return nullcontext
    return partial(torch.autocast, settings.device, torch.bfloat16, enabled=not settings.dry_run)


def allow_tf32() -> None:
    """Products and convolutions of float32 in TF32, for everyone.

    cuDNN chooses by its rules: trying its algorithms took 20 seconds for each backbone and precision.
    """
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = False


def run(settings: Settings) -> None:
    """A row for each case, model, precision and work."""
    measure_all(settings, PRECISIONS, compiled=False)


def measure_all(settings: Settings, precisions: Iterable[str], compiled: bool) -> None:
    """Rows of all cases. What fails, or finds no time left, is a row with its reason."""
    allow_tf32()
    for case in TINY_CASES if settings.dry_run else CASES:
        for name in names(case):
            for row in _rows(case, name, precisions, compiled, settings):
                settings.record(dict(case=str(case), name=name, compiled=compiled, **row))
            if settings.device == 'cuda':
                torch.cuda.empty_cache()


def _rows(
    case: Case, name: str, precisions: Iterable[str], compiled: bool, settings: Settings
) -> Iterable[dict]:
    if time.monotonic() > settings.deadline:
        yield dict(failure='not run: no time was left')
        return
    try:
        subject = build(name, case, settings.device)
    except Exception as error:
        yield dict(failure=sentence(error))
        return
    timeline = Timeline(settings.device)
    if compiled:
        for part in subject.parts_to_compile():
            part.compile(**(dict(backend='eager') if settings.dry_run else {}))
    subject.watch(timeline)
    for precision in precisions:
        if precision == BF16_CHANNELS_LAST:
            subject.model.to(memory_format=torch.channels_last)
        yield from _training_rows(subject, case, precision, timeline, settings)
    if case.task == 'panoptic':
        subject.be_confident(confident_classes(case, settings.device))
    for precision in reversed(tuple(precisions)):
        if precision != BF16_CHANNELS_LAST:
            subject.model.to(memory_format=torch.contiguous_format)
        yield from _prediction_rows(subject, case, precision, settings)


def _training_rows(
    subject: Subject, case: Case, precision: str, timeline: Timeline, settings: Settings
) -> Iterable[dict]:
    row = dict(work='training', precision=precision, note=subject.note)
    if time.monotonic() > settings.deadline:
        yield dict(row, failure='not run: no time was left')
        return
    subject.model.train()
    try:
        step = TrainingStep(subject, precision, settings, timeline)
        row.update(_figures(step, case.batch, settings))
        row['parts'] = _seconds_by_part(step, timeline, 1 if settings.dry_run else RECORDED_STEPS)
    except Exception as error:
        row['failure'] = sentence(error)
    subject.model.zero_grad(set_to_none=True)
    yield row


def _prediction_rows(subject: Subject, case: Case, precision: str, settings: Settings) -> Iterable[dict]:
    row = dict(work='prediction', precision=precision, note=subject.note)
    if time.monotonic() > settings.deadline:
        yield dict(row, failure='not run: no time was left')
        return
    subject.model.eval()
    context = autocast(precision, settings)

    @torch.no_grad()
    def predict() -> None:
        with context():
            subject.predict()

    try:
        row.update(_figures(predict, case.batch, settings))
    except Exception as error:
        row['failure'] = sentence(error)
    yield row


def _figures(task: Callable[[], None], images: int, settings: Settings) -> dict:
    """Median seconds, images per second, seconds of the first call, peak memory and what is always held."""
    device = torch.device(settings.device)
    first = seconds_of(task, device)
    seconds = first
    if not settings.dry_run:
        for _ in range(WARM_UP - 1):
            task()
        seconds = statistics.median(seconds_of(task, device) for _ in range(REPEATS))
    held = torch.cuda.memory_allocated() / MIB if settings.device == 'cuda' else 0.0
    return dict(
        seconds=seconds,
        images_per_second=images / seconds,
        first_seconds=first,
        peak_mib=held + peak_memory(task, device),
        held_mib=held,
    )


def _seconds_by_part(step: TrainingStep, timeline: Timeline, steps: int) -> dict[str, float]:
    """Mean seconds of each part of a step."""
    with timeline.recording():
        for _ in range(steps):
            step()
    return {name: seconds / steps for name, seconds in timeline.seconds().items()}


def sentence(error: Exception) -> str:
    """An exception as a line of a table."""
    lines = str(error).strip().splitlines()
    return f'{type(error).__name__}: {lines[0][:200] if lines else ""}'.rstrip(': ')
