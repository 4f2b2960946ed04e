"""Train several models with the same data, budget and seeds, and compare them: ``make compare``."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..apis.checks import check_data
from ..apis.console import ConsoleFilter, announce, build_quiet_runner, device_name, minutes, summary
from ..apis.demo import SMOKE_RECIPE, shrink
from ..inference.config_files import find_config
from ..toy_scenes import ToyRecipe, write_toy
from .runs import Run, read_work_dir
from .scores import add_semantic_quality, evaluate_run, last_scores, read_scores

FIVE = {
    'PerPixelBaseline': 'per_pixel_baseline_r18',
    'PerPixelBaseline+': 'per_pixel_baseline_plus_r18',
    'MaskFormer, fixed matching': 'maskformer_r18_fixed',
    'MaskFormer': 'maskformer_r18',
    "MaX-DeepLab's losses": 'max_deeplab_r18',
}
PANOPTIC = {
    'MaskFormer': 'maskformer_r18',
    'Mask2Former': 'mask2former_r18',
    "MaX-DeepLab's losses": 'max_deeplab_r18',
    'MaX-DeepLab-S': 'max_deeplab_s',
    'DETR': 'detr_r18',
}
ENDINGS = {'toy': 'toy', 'camvid': '1xb4-1400i_camvid-192x256', 'toy-panoptic': 'toy-panoptic'}
SYSTEMS = {'toy': FIVE, 'camvid': FIVE, 'toy-panoptic': PANOPTIC}
NUM_VALIDATIONS = 5
SMOKE_ITERATIONS = 2
SETTINGS_FILE = 'settings.json'


@dataclass(frozen=True)
class TrainingComparison:
    """The trainings of a comparison: models, data, budget and seeds.

    Attributes:
        data_set: ``'toy'``, ``'camvid'`` or ``'toy-panoptic'``.
        data_root: Folder of the data; toy scenes are drawn if it does not exist.
        out_dir: Folder of the results.
        max_iters: Budget of each model in iterations; None takes that of MaskFormer's config.
        seeds: Each model is trained once with each seed.
        models: Some of the data set's `SYSTEMS`; all by default. Those of panoptic sets differ in more than
            the head: each has its own learning rate and weight decay, and MaX-DeepLab-S its own backbone.
        smoke: A quick test run with few and tiny toy scenes.
    """

    data_set: str
    data_root: Path
    out_dir: Path
    max_iters: int | None = None
    seeds: Sequence[int] = (0,)
    models: Sequence[str] = ()
    smoke: bool = False

    def __post_init__(self) -> None:
        if self.data_set not in ENDINGS:
            raise ValueError(f'unknown data set {self.data_set}: expected one of {", ".join(ENDINGS)}')
        systems = SYSTEMS[self.data_set]
        unknown = sorted(set(self.models) - set(systems))
        if unknown:
            raise ValueError(f'unknown model {unknown[0]}: expected one or more of {", ".join(systems)}')
        object.__setattr__(self, 'models', tuple(self.models or systems))
        if self.max_iters is not None and self.max_iters < 1:
            raise ValueError(f'max_iters is {self.max_iters}: train for at least one iteration')
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f'the seeds are {list(self.seeds)}: give one or more, each once')

    def folder(self, model: str, seed: int) -> Path:
        """Work dir of a model."""
        return self.out_dir / f'{SYSTEMS[self.data_set][model]}_seed{seed}'

    def trainings(self) -> Iterator[tuple[str, int]]:
        """Model and seed of each training, in order."""
        return ((model, seed) for seed in self.seeds for model in self.models)

    def config(self, model: str, seed: int) -> Config:
        """The config of a training: that of the model with the comparison's data, budget and seed."""
        cfg = self._zoo_config(model)
        if self.smoke:
            shrink(cfg, SMOKE_ITERATIONS)
        set_budget(cfg, self._budget())
        for phase in ('train', 'val', 'test'):
            cfg[f'{phase}_dataloader'].dataset.data_root = str(self.data_root)
        for evaluator in ('val_evaluator', 'test_evaluator'):
            cfg[evaluator] = add_semantic_quality(cfg[evaluator])
        cfg.default_hooks.pop('visualization', None)
        cfg.randomness = dict(seed=seed)
        cfg.work_dir, cfg.launcher = str(self.folder(model, seed)), 'none'
        cfg.experiment_name = f'{self.data_set} {SYSTEMS[self.data_set][model]} seed {seed}'
        return cfg

    def _zoo_config(self, model: str) -> Config:
        folder = self.data_set.partition('-')[0]
        return find_config(f'{folder}/{SYSTEMS[self.data_set][model]}_{ENDINGS[self.data_set]}')

    def _budget(self) -> int:
        """Iterations of every model: by default those of MaskFormer's config."""
        default = SMOKE_ITERATIONS if self.smoke else self._zoo_config('MaskFormer').train_cfg.max_iters
        return self.max_iters or default


def set_budget(cfg: Config, max_iters: int, num_validations: int = NUM_VALIDATIONS) -> None:
    """Set the number of iterations; schedules that end with training are adapted.

    There are five validations by default, and a checkpoint with each; the last one is kept.
    """
    before = cfg.train_cfg.max_iters
    interval = -(-max_iters // num_validations)
    cfg.train_cfg.update(max_iters=max_iters, val_interval=interval)
    for scheduler in cfg.param_scheduler:
        if scheduler.get('end', 0) >= before:
            scheduler.end = max_iters + 1
    cfg.default_hooks.checkpoint.update(interval=interval, save_best=None, max_keep_ckpts=1)


def prepare_data(comparison: TrainingComparison) -> None:
    """Draw the toy scenes if they do not exist; check that other data exist.

    Raises:
        FileNotFoundError: The data are missing.
        ValueError: The folder of the toy scenes holds something else.
    """
    if comparison.data_set.startswith('toy'):
        try:
            write_toy(comparison.data_root, SMOKE_RECIPE if comparison.smoke else ToyRecipe())
        except FileExistsError as error:
            raise ValueError(str(error)) from None
    model, seed = next(comparison.trainings())
    check_data(comparison.config(model, seed), ('train', 'val', 'test'))


def train_all(comparison: TrainingComparison) -> list[Run]:
    """Train and evaluate every model that is not finished yet, printing the progress.

    An interrupted training resumes from its last checkpoint.

    Returns:
        The runs, seed by seed, each labelled with its model.

    Raises:
        ValueError: The folder holds a training with other settings.
    """
    trainings = list(comparison.trainings())
    configs = [comparison.config(model, seed) for model, seed in trainings]
    for cfg in configs:
        check_settings(cfg)  # before the first training, not after it
    runs = []
    for number, ((model, seed), cfg) in enumerate(zip(trainings, configs), start=1):
        announce(f'{number}/{len(trainings)}  {model}, seed {seed}: {cfg.train_cfg.max_iters} iterations')
        runs.append(_train_one(model, cfg))
    return runs


def _train_one(model: str, cfg: Config) -> Run:
    folder = Path(cfg.work_dir)
    if read_scores(folder, str(folder / f'iter_{cfg.train_cfg.max_iters}.pth')) is None:
        _train(cfg)
        run = _labelled(folder, model)
        evaluate_run(run)
    else:
        print('already trained')
    run = _labelled(folder, model)
    scores = last_scores(folder, run.checkpoint)
    print(f'on test data: {summary(scores.values) if scores else "no scores"}', flush=True)
    return run


def _train(cfg: Config) -> None:
    start = time.time()
    cfg.resume = (Path(cfg.work_dir) / 'last_checkpoint').is_file()
    runner = build_quiet_runner(cfg, ConsoleFilter())
    print(f'{"resumed, " if cfg.resume else ""}{device_name(runner.model)}', flush=True)
    runner.train()
    print(f'trained in {minutes(time.time() - start)}', flush=True)


def _labelled(folder: Path, model: str) -> Run:
    return replace(read_work_dir(folder), label=model)


def check_settings(cfg: Config) -> None:
    """Check that a work dir is new or holds a training with the same settings, which are written into it.

    Raises:
        ValueError: It holds a training with other settings.
    """
    folder, settings = Path(cfg.work_dir), _settings(cfg)
    path = folder / SETTINGS_FILE
    if not path.is_file():
        if folder.is_dir() and any(folder.iterdir()):
            raise ValueError(f'{folder} holds other files: choose another folder with --out')
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings, indent=1) + '\n')
        return
    previous: dict[str, Any] = json.loads(path.read_text())
    different = [name for name in settings if previous.get(name) != settings[name]]
    if different:
        name = different[0]
        raise ValueError(
            f'{folder} holds a training with {name} {previous.get(name)}, expected {settings[name]}: remove '
            'that folder, or choose another one with --out'
        )


def _settings(cfg: Config) -> dict[str, Any]:
    """The settings that identify a training; the folder of its data is not one of them."""
    content = cfg.to_dict()
    for phase in ('train', 'val', 'test'):
        content[f'{phase}_dataloader']['dataset'].pop('data_root')
    for name in ('work_dir', 'data_root', 'resume'):
        content.pop(name, None)
    digest = hashlib.sha1(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
    return dict(max_iters=cfg.train_cfg.max_iters, seed=cfg.randomness.seed, config=digest[:12])
