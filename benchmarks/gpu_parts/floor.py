"""The device's measured rates, and the times below which no version of the work can run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext

import torch
from measure import seconds_of
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from . import Settings
from .cases import CASES, TINY_CASES, Case
from .environment import CLOCKS, query_card
from .speed import allow_tf32, sentence
from .subjects import build, confident_classes

REPEATS = 10
OPTIMIZER_BYTES = (
    40  # of a float32 parameter: read twice, its gradient written and read, AdamW's 4 reads, 3 writes
)


def run(settings: Settings) -> None:
    """Rows of rates, then for each case what our model must compute and move."""
    allow_tf32()
    for name, dtype in (('bf16', torch.bfloat16), ('TF32', torch.float32)):
        settings.record(dict(rate=name, flops_per_second=_matrix_rate(dtype, settings)))
    settings.record(dict(rate='copy', bytes_per_second=_copy_rate(settings)))
    if settings.device == 'cuda':
        settings.record(dict(rate='clocks after the products', clocks=query_card(CLOCKS)))
    for case in TINY_CASES if settings.dry_run else CASES:
        if time.monotonic() > settings.deadline:
            settings.record(dict(case=str(case), failure='not run: no time was left'))
            continue
        try:
            for row in work_of(case, settings.device):
                settings.record(dict(case=str(case), **row))
        except Exception as error:
            settings.record(dict(case=str(case), failure=sentence(error)))


def work_of(case: Case, device: str) -> list[dict]:
    """FLOPs and least bytes of a training step and of a prediction of our model, counted on one image.

    FLOPs are those of convolutions, matrix products and attention, a multiply-add being two; the backward
    pass is taken as twice the forward pass. Bytes of training are activations, written once for the backward
    pass and read once, and what weights, gradients and AdamW need; those of prediction weights and images.
    """
    subject = build('ours', case._replace(batch=1), device)
    weights = sum(p.numel() for p in subject.model.parameters())
    subject.model.train()
    saved = SavedBytes()
    with torch.no_grad(), total_flops() as counter:
        subject.loss()
    with torch.autograd.graph.saved_tensors_hooks(saved.keep, lambda tensor: tensor):
        subject.loss()
    activations = saved.total - saved.of(subject.model.parameters())
    training = dict(
        work='training',
        flops=3 * counter.get_total_flops() * case.batch,
        bytes=2 * activations * case.batch + OPTIMIZER_BYTES * weights,
    )
    subject.model.eval()
    if case.task == 'panoptic':
        subject.be_confident(confident_classes(case, device))
    with torch.no_grad(), total_flops() as counter:
        subject.predict()
    image_bytes = 3 * case.height * case.width * 4
    prediction = dict(
        work='prediction',
        flops=counter.get_total_flops() * case.batch,
        bytes=4 * weights + case.batch * image_bytes,
    )
    return [training, prediction]


def total_flops() -> FlopCounterMode:
    """PyTorch's counter without its totals by module, for which it fails on views of parameters."""
    counter = FlopCounterMode(display=False)
    counter.mod_tracker = _NoModules()  # type: ignore[assignment]
    return counter


class _NoModules(nullcontext):
    """Stands for the tracker of modules."""

    parents = ('Global',)

    def __exit__(self, *excinfo: object) -> None:
        """Nothing to undo."""


class SavedBytes:
    """Bytes of the storages that autograd keeps for the backward pass, each counted once."""

    def __init__(self) -> None:
        self.sizes: dict[int, int] = {}

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.sizes.values())

    def keep(self, tensor: Tensor) -> Tensor:
        """For `saved_tensors_hooks`."""
        storage = tensor.untyped_storage()
        self.sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    def of(self, tensors: Iterable[Tensor]) -> int:
        """Bytes of those that are storages of these tensors."""
        return sum(self.sizes.get(t.untyped_storage().data_ptr(), 0) for t in tensors)


def _matrix_rate(dtype: torch.dtype, settings: Settings) -> float:
    side = 256 if settings.dry_run else 8192
    a, b = (torch.randn(side, side, device=settings.device).to(dtype) for _ in range(2))
    return 2 * side**3 / _median_seconds(lambda: a @ b, a.device)


def _copy_rate(settings: Settings) -> float:
    """Bytes read plus bytes written of a copy on the device."""
    source = torch.randn((2**22 if settings.dry_run else 2**30) // 4, device=settings.device)
    target = torch.empty_like(source)
    return 2 * source.nbytes / _median_seconds(lambda: target.copy_(source), source.device)


def _median_seconds(task: Callable[[], object], device: torch.device) -> float:
    for _ in range(3):
        task()
    return statistics.median(seconds_of(task, device) for _ in range(REPEATS))
