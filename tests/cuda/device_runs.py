"""Short runs of a small model by MMEngine's runner, on the device that MMEngine finds."""

from __future__ import annotations

from pathlib import Path

import torch
from mmengine.config import Config, ConfigDict
from mmengine.runner import Runner
from small_models import HEAD
from small_runs import config, write_data

from mmmaskformer.apis import train_model

HOOKS = ('CheckDatasetHook', 'ExactResumeHook', 'FiniteLossHook')


def write_images(folder: Path) -> Path:
    return write_data(folder / 'data', 4)


def run_config(data: Path, work_dir: Path, iterations: int, **changes: object) -> Config:
    """Dropout, batch normalisation, AdamW, a checkpoint and a validation every three iterations."""
    head = dict(transformer_decoder={**HEAD['transformer_decoder'], 'dropout': 0.1})
    cfg = config(data, decode_head=head)
    cfg.train_dataloader = ConfigDict({**cfg.test_dataloader, 'sampler': dict(type='InfiniteSampler')})
    cfg.test_evaluator = [
        dict(type=f'mmmaskformer.{name}') for name in ('ClassIoU', 'SemanticPanopticQuality')
    ]
    cfg.update(
        val_dataloader=cfg.test_dataloader,
        val_evaluator=cfg.test_evaluator,
        val_cfg=dict(type='ValLoop'),
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=3),
        optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3)),
        custom_hooks=[dict(type=f'mmmaskformer.{name}') for name in HOOKS],
        default_hooks=dict(
            logger=dict(type='LoggerHook', interval=1),
            checkpoint=dict(type='mmmaskformer.CrashSafeCheckpointHook', by_epoch=False, interval=3),
        ),
        log_processor=dict(by_epoch=False),
        randomness=dict(seed=0),
        work_dir=str(work_dir),
        experiment_name=work_dir.name,
        launcher='none',
    )
    cfg.merge_from_dict(changes)
    return cfg


def train(cfg: Config, **options: object) -> tuple[list[float], Runner]:
    """Losses of the iterations of this run, and the runner."""
    runner = train_model(cfg, **options)
    return runner.message_hub.get_scalar('train/loss').data[0].tolist(), runner


def devices_of_steps(runner: Runner) -> set[str]:
    """Where the optimizer counts its steps."""
    states = runner.optim_wrapper.optimizer.state.values()
    return {state['step'].device.type for state in states if isinstance(state['step'], torch.Tensor)}
