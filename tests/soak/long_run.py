"""A long run, to be watched from outside: ``python long_run.py PART FOLDER SAMPLES.csv SECONDS``.

What the process holds and what a step costs are written to the table as they are measured, so that a run
that is interrupted still leaves its samples. The parts:

- ``training``: one runner, panoptic data; its training workers live on, those of validation come and go.
- ``runners``: one runner after the other trains, saves, and is tested with augmentation.
- ``inference``: one inferencer predicts and writes files, image after image.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from process_watch import ProcessWatch

from mmmaskformer.apis import MaskFormerInferencer
from mmmaskformer.apis.evaluate import evaluate_model
from mmmaskformer.apis.runner import stop_workers
from mmmaskformer.apis.train import train_model
from mmmaskformer.toy_scenes import ToyRecipe, write_toy

CONFIGS = Path(__file__).resolve().parents[2] / 'configs/toy'
RECIPE = ToyRecipe(num_training=16, num_validation=6, height=64, width=96)
SIZE = (96, 64)
STEPS_PER_SAMPLE = 50
SHORT_TRAINING = 12
MODEL = dict(
    backbone=dict(base_channels=8, stem_channels=8),
    decode_head=dict(
        in_channels=[8, 16, 32, 64],
        pixel_decoder=dict(channels=16, mask_channels=16, norm_cfg=dict(num_groups=4)),
        transformer_decoder=dict(channels=16, num_layers=2, num_heads=4, ffn_channels=32),
    ),
)
TTA = [
    dict(type='LoadImageFromFile'),
    dict(
        type='TestTimeAug',
        transforms=[
            [dict(type='RandomFlip', prob=0.0), dict(type='RandomFlip', prob=1.0)],
            [dict(type='LoadAnnotations')],
            [dict(type='PackSegInputs')],
        ],
    ),
]


def small_config(name: str, folder: Path, iterations: int, persistent: bool = True) -> Config:
    """A config of the toy data, made small enough that a step takes some 20 ms."""
    cfg = Config.fromfile(CONFIGS / name)
    write_toy(folder / 'toy', RECIPE)
    for split in ('train', 'val', 'test'):
        loader = cfg[f'{split}_dataloader']
        keep = persistent and split == 'train'
        loader.update(num_workers=2, persistent_workers=keep, batch_size=2)
        loader.dataset.data_root = str(folder / 'toy')
        for transform in loader.dataset.pipeline:
            if 'scale' in transform:
                transform.scale = SIZE
            if 'crop_size' in transform:
                transform.crop_size = (48, 64)
    cfg.merge_from_dict(dict(model=MODEL, optim_wrapper=dict(optimizer=dict(lr=1e-4))))
    cfg.train_cfg.update(max_iters=iterations, val_interval=10 * STEPS_PER_SAMPLE)
    cfg.default_hooks.checkpoint.update(interval=10 * STEPS_PER_SAMPLE, max_keep_ckpts=2)
    cfg.work_dir, cfg.launcher, cfg.log_level = str(folder / 'work'), 'none', 'INFO'
    cfg.tta_pipeline = TTA
    return cfg


class SampleHook(Hook):
    """Samples every 50 training steps, and ends the training when the time is up.

    A step's time goes from the end of the last step to its own; evaluation is left out.
    """

    priority = 'LOWEST'

    def __init__(self, watch: ProcessWatch, seconds: float) -> None:
        self.watch, self.end = watch, time.monotonic() + seconds

    def before_train(self, runner: Runner) -> None:
        self.watch.start()

    def before_val(self, runner: Runner) -> None:
        self.watch.pause()

    def after_val(self, runner: Runner) -> None:
        self.watch.start()

    def after_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        if (runner.iter + 1) % STEPS_PER_SAMPLE:
            return
        self.watch.sample(runner.iter + 1)
        if time.monotonic() > self.end:
            runner.train_loop.stop_training = True


def training(folder: Path, watch: ProcessWatch, seconds: float) -> None:
    cfg = small_config('maskformer_r18_toy-panoptic.py', folder, iterations=10**7)
    runner = Runner.from_cfg(cfg)
    runner.register_hook(SampleHook(watch, seconds))
    runner.train()
    watch.pause()
    steps = runner.iter
    stop_workers(runner)
    del runner
    watch.sample(steps, last=True)


def runners(folder: Path, watch: ProcessWatch, seconds: float) -> None:
    def once(number: int) -> None:
        cfg = small_config('maskformer_r18_toy.py', folder, SHORT_TRAINING, persistent=number % 2 == 0)
        cfg.work_dir = str(folder / 'work' / str(number))
        cfg.experiment_name = f'train{number}'
        train_model(cfg)
        cfg = small_config('maskformer_r18_toy.py', folder, SHORT_TRAINING)
        cfg.work_dir, cfg.experiment_name = str(folder / 'test' / str(number)), f'test{number}'
        checkpoint = folder / 'work' / str(number) / f'iter_{SHORT_TRAINING}.pth'
        evaluate_model(cfg, str(checkpoint), tta=True)

    repeat(once, watch, seconds)


def inference(folder: Path, watch: ProcessWatch, seconds: float) -> None:
    cfg = small_config('maskformer_r18_toy-panoptic.py', folder, iterations=1)
    torch.manual_seed(0)
    runner = Runner.from_cfg(cfg)
    weights = folder / 'weights.pth'
    torch.save(dict(state_dict=runner.model.state_dict()), weights)
    del runner
    inferencer = MaskFormerInferencer(cfg, str(weights), device='cpu')
    images = str(folder / 'toy/images')

    def once(number: int) -> None:
        inferencer.save(images, folder / 'predictions', batch_size=1 + number % 4)

    repeat(once, watch, seconds)


def repeat(once: Callable[[int], None], watch: ProcessWatch, seconds: float) -> None:
    """Call with 0, 1, ... until the time is up, and sample after each."""
    end, number = time.monotonic() + seconds, 0
    while number < 3 or time.monotonic() < end:
        watch.start()
        once(number)
        number += 1
        gc.collect()
        watch.sample(number)


def main() -> None:
    part, folder, table, seconds = sys.argv[1:]
    torch.set_num_threads(1)
    with ProcessWatch(Path(table)) as watch:
        dict(training=training, runners=runners, inference=inference)[part](
            Path(folder), watch, float(seconds)
        )


if __name__ == '__main__':
    main()
