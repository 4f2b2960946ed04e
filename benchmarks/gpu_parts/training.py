"""A real training: CamVid with a ResNet-18 from scratch, in bf16, to its end, with its val mIoU.

The recipe as it is, but for frames reduced to 320x240 beforehand, fused AdamW and validation in batches.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from typing import Any

from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmmaskformer.apis.runner import use_mixed_precision

from . import ROOT, Settings

CONFIG = ROOT / 'configs/camvid/maskformer_r18_1xb4-1400i_camvid-192x256.py'


def run(settings: Settings) -> None:
    """Rows of loss every 50 iterations, and of mIoU every 350.

    Raises:
        FileNotFoundError: There is no data.
    """
    if settings.camvid is None or not (settings.camvid / 'img/train').is_dir():
        raise FileNotFoundError(
            f'{settings.camvid}: no folder with img/train and ann/train; give the folder with --camvid'
        )
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner.from_cfg(config(settings, folder))
        runner.register_hook(RecordProgress(settings.record), priority='VERY_LOW')
        runner.train()


def config(settings: Settings, folder: str) -> Config:
    """The recipe with paths, workers and no checkpoints."""
    cfg = Config.fromfile(CONFIG)
    cores = os.cpu_count() or 1
    data = dict(data_root=str(settings.camvid))
    workers = min(8, cores) if settings.device == 'cuda' else 0
    loader = dict(num_workers=workers, persistent_workers=workers > 0)
    cfg.merge_from_dict(
        dict(
            work_dir=folder,
            log_level='WARNING',
            launcher='none',
            train_dataloader=dict(dataset=data, pin_memory=settings.device == 'cuda', **loader),
            val_dataloader=dict(dataset=data, batch_size=1 if settings.dry_run else 8, **loader),
            optim_wrapper=dict(optimizer=dict(fused=True)),
            default_hooks=dict(checkpoint=dict(interval=-1, save_last=False, save_best=None)),
        )
    )
    cfg.test_cfg = cfg.test_dataloader = cfg.test_evaluator = None
    use_mixed_precision(cfg, 'bf16')
    if settings.dry_run:
        for transform in cfg.train_dataloader.dataset.pipeline:
            if transform.type == 'RandomCrop':
                transform.crop_size = (32, 32)
            if transform.type == 'Pad':
                transform.size = (32, 32)
        cfg.merge_from_dict(
            dict(
                train_cfg=dict(max_iters=2, val_interval=1),
                train_dataloader=dict(batch_size=2),
                val_dataloader=dict(dataset=dict(indices=2)),
            )
        )
    return cfg


class RecordProgress(Hook):
    """Records losses and scores as rows.

    Args:
        record: Takes a row.
    """

    def __init__(self, record: Callable[[dict], None]):
        self.record = record
        self.start = time.perf_counter()

    def before_train(self, runner: Runner) -> None:
        """Start the clock."""
        self.start = time.perf_counter()

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Mean loss of the last 50 iterations."""
        done = runner.iter + 1
        if done % 50 == 0 or done == runner.max_iters:
            loss = runner.message_hub.get_scalar('train/loss').mean(min(50, done))
            self.record(dict(iteration=done, loss=float(loss), seconds=self._elapsed()))

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """All scores of a validation."""
        scores = {name: float(value) for name, value in (metrics or {}).items()}
        self.record(dict(iteration=runner.iter, seconds=self._elapsed(), **scores))

    def _elapsed(self) -> float:
        return time.perf_counter() - self.start
