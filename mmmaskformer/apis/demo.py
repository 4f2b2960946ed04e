"""The demo: draw a data set, train on it, evaluate, and draw predictions beside the ground truth."""

import shutil
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import cv2
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.runner import Runner

from ..inference.config_files import read_config
from ..toy_scenes import ToyRecipe, write_toy
from ..visualization import (
    PanelRow,
    SegmentRow,
    draw_panels,
    draw_training_curve,
    make_row,
    read_scalars,
)
from .console import ConsoleFilter, announce, build_quiet_runner, device_name, minutes, summary

NUM_PANELS = 8
NUM_OVERVIEW = 4
SMOKE_ITERATIONS = 4
SMOKE_RECIPE = ToyRecipe(num_training=8, num_validation=4, height=96, width=128)


def run_demo(config: str | Path, data_root: str | Path, out_dir: str | Path, smoke: bool = False) -> Path:
    """Write the toy data set, train on it, evaluate the last checkpoint and draw the results.

    Args:
        config: Config file of a model on the toy data set.
        data_root: Folder of the data set; an existing complete one is used as it is.
        out_dir: Folder for logs, checkpoint, panels and curve; results of an earlier run in it are replaced.
        smoke: A quick check that everything runs: tiny scenes, few iterations.

    Returns:
        The folder with the panels.

    Raises:
        FileExistsError: ``data_root`` or ``out_dir`` holds other files.
    """
    start = time.time()
    out_dir = _prepare(Path(out_dir))
    announce(f'1/4  Data set: {data_root}')
    recipe = SMOKE_RECIPE if smoke else ToyRecipe()
    if not write_toy(data_root, recipe):
        print('It was drawn before and is complete.')
    console = ConsoleFilter()
    runner = build_quiet_runner(_load_config(config, data_root, out_dir, smoke), console)
    announce(f'2/4  Training for {runner.max_iters} iterations on {device_name(runner.model)}')
    runner.train()
    announce(f'3/4  Evaluation on {recipe.num_validation} held-out scenes')
    runner.load_checkpoint((out_dir / 'last_checkpoint').read_text().strip())
    console.tables = True
    scores = runner.test()
    announce('4/4  Images')
    _draw_results(runner, out_dir)
    print(f'on held-out scenes:       {summary(scores)}')
    print(f'image|ground truth|prediction: {out_dir / "panels.png"} and {out_dir / "panels"}/')
    print(f'training curve:           {out_dir / "training_curve.png"}')
    print(f'checkpoint:               {(out_dir / "last_checkpoint").read_text().strip()}')
    print(f'time:                     {minutes(time.time() - start)}')
    return out_dir / 'panels'


def _prepare(out_dir: Path) -> Path:
    """Empty the folder of an earlier run; raise for any other folder that is not empty."""
    mark = out_dir / '.mmmaskformer_demo'
    if out_dir.exists() and not mark.exists() and (not out_dir.is_dir() or any(out_dir.iterdir())):
        raise FileExistsError(
            f'{out_dir} is not the folder of an earlier demo; choose another one with --out.'
        )
    if mark.exists():
        print(f'Replacing the results of an earlier run in {out_dir}.')
        shutil.rmtree(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    mark.touch()
    return out_dir


def _load_config(config: str | Path, data_root: str | Path, out_dir: Path, smoke: bool) -> Config:
    cfg = read_config(config)
    for name in ('train', 'val', 'test'):
        cfg[f'{name}_dataloader'].dataset.data_root = str(data_root)
    cfg.work_dir = str(out_dir)
    cfg.default_hooks.pop('visualization', None)  # panels are drawn at the end
    if smoke:
        shrink(cfg, SMOKE_ITERATIONS)
    return cfg


def shrink(cfg: Config, max_iters: int) -> None:
    """Let a toy config train on a few of the tiny scenes of ``SMOKE_RECIPE``."""
    cfg.train_cfg.update(max_iters=max_iters, val_interval=max_iters)
    cfg.default_hooks.checkpoint.interval = max_iters
    cfg.train_dataloader.update(batch_size=2, num_workers=0, persistent_workers=False)
    for dataloader in (cfg.val_dataloader, cfg.test_dataloader):
        dataloader.update(batch_size=2, num_workers=0, persistent_workers=False)
    for transform in cfg.train_dataloader.dataset.pipeline:
        if transform.type == 'RandomCrop':
            transform.crop_size = (SMOKE_RECIPE.height, SMOKE_RECIPE.width)


def _draw_results(runner: Runner, out_dir: Path) -> None:
    scalars = read_scalars(Path(runner.log_dir) / 'vis_data' / 'scalars.json')
    draw_training_curve(scalars, out_dir / 'training_curve.png')
    meta = runner.test_dataloader.dataset.metainfo
    rows = dict(islice(_predict(runner), NUM_PANELS))
    (out_dir / 'panels').mkdir()
    for name, row in rows.items():
        draw_panels([row], meta['classes'], meta['palette']).save(out_dir / 'panels' / f'{name}.png')
    overview = list(rows.values())[:NUM_OVERVIEW]
    draw_panels(overview, meta['classes'], meta['palette']).save(out_dir / 'panels.png')


def _predict(runner: Runner) -> Iterator[tuple[str, PanelRow | SegmentRow]]:
    """Name, image, ground truth and predictions of the held-out scenes, in order."""
    dataset = runner.test_dataloader.dataset
    runner.model.eval()
    for index in range(len(dataset)):
        with torch.no_grad():
            sample = runner.model.test_step(pseudo_collate([dataset[index]]))[0]
        image = cv2.cvtColor(cv2.imread(sample.img_path), cv2.COLOR_BGR2RGB)
        yield Path(sample.img_path).stem, make_row(image, sample)
