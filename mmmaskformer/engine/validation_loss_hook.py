"""Losses of the validation data."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch.nn.functional import interpolate

from mmmaskformer.registry import HOOKS

from .runner_components import segmentor_of

INTERMEDIATE = re.compile(r'(^|\.)d\d+\.')  # losses of decoder layers before the last


@HOOKS.register_module()
class ValidationLossHook(Hook):
    """Computes the losses of the validation data by the criterion of training, in every validation.

    ``val_loss`` is the sum that training minimizes; ``val_decode.loss_cls`` and its like are the terms of the
    last decoder layer. They stand beside the scores in the log, in trackers and in the learning curve, and
    ``save_best='val_loss', rule='less'`` or an early stop can follow them.

    The images go through the validation pipeline (no augmentation) and the ground truth is resized to them.
    The model is in evaluation mode: without dropout, ``val_loss`` may lie below the training loss. Every
    batch costs another forward pass.

    Raises:
        ValueError: Validation in several processes does not give each the same number of batches.

    Example:
        >>> custom_hooks = [dict(type='mmmaskformer.ValidationLossHook')]
    """

    priority = 'HIGHEST'  # before the hook that logs the metrics

    def __init__(self) -> None:
        self._sums: dict[str, torch.Tensor] = {}

    def before_val_epoch(self, runner: Runner) -> None:
        """Begin new sums."""
        sampler = getattr(runner.val_dataloader, 'sampler', None)
        if get_world_size() > 1 and not getattr(sampler, 'round_up', False):
            raise ValueError(
                'ValidationLossHook needs the same number of validation batches in every process: set '
                "val_dataloader.sampler=dict(type='DefaultSampler', shuffle=False, round_up=True)."
            )
        self._sums = defaultdict(lambda: torch.zeros((), dtype=torch.float64))

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Sequence | None = None
    ) -> None:
        """Add the losses of a batch, weighted by its number of images."""
        losses = validation_losses(segmentor_of(runner.model), data_batch)
        number = len(data_batch['inputs'])
        self._sums['images'] = self._sums['images'] + number
        for name, loss in losses.items():
            self._sums[name] = self._sums[name] + number * loss

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Add the means to the metrics, the same in all processes."""
        means = torch.stack([*self._sums.values()])
        all_reduce(means)
        for name, value in zip(self._sums, (means / means[0]).tolist()):
            if metrics is not None and name != 'images':
                metrics[name] = value
                # MMEngine logs means of ten values of whatever has "loss" in its name; this one stands alone.
                runner.message_hub.log_scalars.pop(f'val/{name}', None)


def validation_losses(segmentor: Any, batch: dict) -> dict[str, float]:
    """The total loss of a batch, and the terms of the last decoder layer.

    Args:
        segmentor: The model, in evaluation mode.
        batch: ``inputs`` and ``data_samples`` as the data loader gives them, before the data preprocessor.
    """
    samples = [_with_ground_truth_of_input(*pair) for pair in zip(batch['data_samples'], batch['inputs'])]
    with torch.no_grad():
        data = segmentor.data_preprocessor(dict(inputs=batch['inputs'], data_samples=samples), True)
        total, terms = segmentor.parse_losses(segmentor(**data, mode='loss'))
    last = {name: float(value) for name, value in terms.items() if name != 'loss' and 'loss' in name}
    shown = {f'val_{name}': value for name, value in last.items() if not INTERMEDIATE.search(name)}
    return {'val_loss': float(total), **shown}


def _with_ground_truth_of_input(sample: SegDataSample, image: torch.Tensor) -> SegDataSample:
    """A copy with ground truth in the size of the input; validation pipelines load it in that of the file."""
    copy = sample.clone()
    for field in ('gt_sem_seg', 'gt_panoptic_seg'):
        if field in copy:
            values = copy.get(field).data
            resized = interpolate(values[None].double(), image.shape[-2:], mode='nearest-exact')[0]
            copy.set_data({field: PixelData(data=resized.to(values.dtype))})
    return copy
