"""Tiny trainings in processes of their own, which can be killed, and what they leave."""

from __future__ import annotations

import faulthandler
import importlib
import itertools
import os
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path

import cv2
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer
from warm_python import fork_context

from mmmaskformer.apis import train_model
from mmmaskformer.toy_scenes import ToyRecipe, write_toy

CONFIGS = Path(__file__).resolve().parent.parent / 'configs/toy'
SECONDS = 300  # a hang is an error
NOT_COMPARED = ('time', 'memory', 'data_time', 'eta', 'cfg', 'experiment_name', 'mmengine_version')


# Of each system: its config, and what makes the model tiny.
RESNET = dict(stem_channels=8, base_channels=8, init_cfg=None)
LAYERS = dict(num_layers=2, ffn_channels=16, dropout=0.3)
SYSTEMS = dict(
    maskformer=(
        'maskformer_r18_toy.py',
        dict(
            backbone=RESNET,
            decode_head=dict(
                num_queries=8,
                in_channels=[8, 16, 32, 64],
                pixel_decoder=dict(channels=16, mask_channels=16, norm_cfg=dict(num_groups=4)),
                transformer_decoder=dict(channels=16, num_heads=2, **LAYERS),
            ),
        ),
    ),
    detr=(
        'detr_r18_toy-panoptic.py',
        dict(
            backbone=RESNET,
            decode_head=dict(
                num_queries=8, in_channels=[8, 16, 32, 64], encoder=LAYERS, transformer_decoder=LAYERS
            ),
        ),
    ),
    max_deeplab=(
        'max_deeplab_s_toy-panoptic.py',
        dict(
            backbone=dict(num_slots=8, base_channels=4, stem_channels=4, memory_channels=12)
            | dict(transformer_channels=8, ffn_channels=16, drop_path=0.2),
            decode_head=dict(in_channels=[16, 32, 128, 16, 12], slot_channels=12, embedding_channels=10)
            | dict(pixel_channels=12, semantic_channels=12, low_channels=(6, 4), semantic_head_channels=12),
        ),
    ),
)
BEST_BY = dict(maskformer='mIoU', detr='PQ', max_deeplab='PQ')


def write_data(folder: Path) -> Path:
    write_toy(folder, ToyRecipe(num_training=7, num_validation=2, height=64, width=96))
    return folder


def tiny_config(
    data: Path, work_dir: Path, iterations: int = 12, seed: int | None = None, system: str = 'maskformer'
) -> Config:
    """Every kind of state: dropout, augmentation, batch normalisation, AdamW, warm-up, averaged weights."""
    name, model = SYSTEMS[system]
    cfg = Config.fromfile(CONFIGS / name)
    pipeline = cfg.train_dataloader.dataset.pipeline
    pipeline[2].scale, pipeline[3].crop_size = (96, 64), (32, 32)
    cfg.merge_from_dict(
        dict(
            work_dir=str(work_dir),
            launcher='none',
            model=model,
            train_dataloader=dict(batch_size=2, dataset=dict(data_root=str(data), pipeline=pipeline)),
            val_dataloader=dict(batch_size=2, dataset=dict(data_root=str(data))),
            train_cfg=dict(max_iters=iterations, val_interval=4),
            default_hooks=dict(checkpoint=dict(interval=4, save_best=BEST_BY[system])),
            custom_hooks=[*cfg.custom_hooks, dict(type='EMAHook', momentum=0.1)],
            randomness=dict(seed=seed),
        )
    )
    cfg.param_scheduler[0].end = 6
    cfg.param_scheduler[1].end = iterations + 1
    return cfg


def start(cfg: Config, resume: bool = True, prepare: Callable[[], object] | None = None) -> BaseProcess:
    """Train in a process of its own and a process group of its own, forked from one that has imported all.

    Args:
        cfg: The config.
        resume: As ``tools/train.py --resume``.
        prepare: Called in the new process first.
    """
    Path(cfg.work_dir).mkdir(parents=True, exist_ok=True)
    process = fork_context().Process(target=_train, args=(cfg, resume, prepare))
    process.start()
    return process


def _train(cfg: Config, resume: bool, prepare: Callable[[], object] | None) -> None:
    os.setsid()
    output = os.open(Path(cfg.work_dir, 'output.txt'), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    faulthandler.dump_traceback_later(SECONDS / 2)
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    if prepare is not None:
        prepare()
    train_model(cfg, resume=resume)


def end(process: BaseProcess) -> int | None:
    """Wait for a process: its exit status, negative for the signal that killed it."""
    process.join(SECONDS)
    if process.exitcode is None:
        process.kill()
    return process.exitcode


def train(cfg: Config, **options) -> int | None:
    return end(start(cfg, **options))


def train_ranks(cfg: Config, prepare: Callable[[], object] | None = None) -> list[int | None]:
    """A distributed training on CPUs by two processes; ``prepare`` is for the second."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    cfg.launcher = 'pytorch'
    join = [partial(_join, rank, port, prepare if rank == 1 else None) for rank in range(2)]
    return [end(process) for process in [start(cfg, prepare=prepare) for prepare in join]]


def _join(rank: int, port: int, prepare: Callable[[], object] | None) -> None:
    os.environ.update(MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port), WORLD_SIZE='2')
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank))
    if prepare is not None:
        prepare()


def signal_at(name: str, call: int, module: str, number: int = signal.SIGKILL) -> None:
    """Have the process signal itself at the n-th call of a function of a module."""
    place = importlib.import_module(module)
    original = getattr(place, name)
    calls = itertools.count(1)

    def counted(*args, **kwargs):
        if next(calls) == call:
            os.kill(os.getpid(), number)
        return original(*args, **kwargs)

    setattr(place, name, counted)


def wait_for(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    """Until a condition holds; an error if it never does."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, 'waited in vain'
        time.sleep(0.001)


def state(work_dir: Path, iteration: int = 12, kind: str = 'iter') -> dict[str, object]:
    """All that a checkpoint says of a run, by name, apart from dates, durations and paths."""
    checkpoint = torch.load(Path(work_dir, f'{kind}_{iteration}.pth'), weights_only=False)
    checkpoint['meta'] = {key: checkpoint['meta'][key] for key in ('iter', 'epoch')}
    flat: dict[str, object] = {}
    _flatten(checkpoint, '', flat)
    return {
        name: value
        for name, value in flat.items()
        if not any(part in NOT_COMPARED for part in name.replace('/', '.').split('.'))
    }


def _flatten(value: object, name: str, flat: dict[str, object]) -> None:
    if isinstance(value, HistoryBuffer):
        value = {'history': value._log_history.tolist(), 'counts': value._count_history.tolist()}
    if isinstance(value, dict):
        value = {str(key): item for key, item in value.items()}
    elif isinstance(value, (list, tuple)):
        value = {str(i): item for i, item in enumerate(value)}
    else:
        flat[name] = os.path.basename(value) if isinstance(value, str) else value
        return
    for key, item in value.items():
        _flatten(item, f'{name}.{key}' if name else key, flat)


def assert_same(one: dict[str, object], other: dict[str, object]) -> None:
    """Bit by bit."""
    assert not set(one) ^ set(other)
    different = [name for name, value in one.items() if not _equal(value, other[name])]
    assert not different, f'{len(different)} of {len(one)} differ: {different[:8]}'


def _equal(one: object, other: object) -> bool:
    if isinstance(one, torch.Tensor):
        assert isinstance(other, torch.Tensor)
        return one.dtype == other.dtype and torch.equal(one, other)
    return one == other or (one != one and other != other)
