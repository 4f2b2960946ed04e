"""Look at a folder of annotated images, and write a config for it."""

from __future__ import annotations

import math
from pathlib import Path

import torch

from ..datasets.folders import FolderContents, PreparedSet, look_at
from ..inference.config_files import read_config
from .config_text import config_text, describe, scaled_rate
from .memory import batch_that_fits
from .plan import Plan, make_plan
from .step_time import LEAST_AREA, area_for_time, seconds_of_step


def describe_folder(data: str | Path) -> list[str]:
    """What a folder holds, in lines for the console.

    Raises:
        FolderError: The folder is missing or empty, or its format is not supported.
    """
    return describe(look_at(data))


def new_config(
    data: str | Path,
    out: str | Path | None = None,
    model: str | None = None,
    task: str | None = None,
    weights: str | None = None,
    minutes: float | None = None,
) -> Path:
    """Look at a folder, print what was found, and write a config for a training on it.

    Args:
        data: Folder of annotated images.
        out: Config to write; by default the name of the folder with ``.py``, in the current folder. Lists of
            files, and what has to be converted, go to a folder beside it.
        model: Name of a model, such as ``'efficientnet-lite0'`` or ``'swin-t'``; by default one that trains
            well on a CPU, too.
        task: ``'semantic'``, ``'panoptic'`` or ``'instance'``; by default what the annotations allow.
        weights: File of weights to start from, of the backbone or of a whole model.
        minutes: Time that the training will have; on a CPU, images are reduced until enough steps fit.

    Returns:
        The path of the config.

    Raises:
        FolderError: The folder cannot be used; the message names what it holds and what is supported.
        FileExistsError: ``out`` exists.

    Example:
        >>> new_config('data/camvid', 'my_config.py')
    """
    path = Path(out) if out else Path(f'{Path(data).resolve().name}.py')
    if path.suffix != '.py':
        raise ValueError(f'{path} is not the name of a config: give --out a name that ends in .py.')
    if path.exists():
        raise FileExistsError(f'{path} exists: give --out another name, or delete it.')
    contents = look_at(data, task)
    print('\n'.join(describe(contents)), flush=True)
    prepared = contents.prepare(path.with_name(f'{path.stem}_data'))
    plan = write_config(path, contents, prepared, task, model, weights, minutes)
    print('\n'.join(summary_of_plan(path, plan, prepared, minutes)), flush=True)
    return path


def write_config(
    path: Path,
    contents: FolderContents,
    prepared: PreparedSet,
    task: str | None = None,
    model: str | None = None,
    weights: str | None = None,
    minutes: float | None = None,
) -> Plan:
    """Write the config: on a GPU with the batch that fits, on a CPU with images that suit the time."""
    plan = make_plan(contents, prepared, task, model, weights)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(config_text(contents, prepared, plan), encoding='utf-8')
    fitting = plan
    if torch.cuda.is_available():
        batch_size = batch_that_fits(read_config(path), plan.batch_size)
        fitting = plan if batch_size == plan.batch_size else plan.with_batch(batch_size)
    elif minutes is not None and math.prod(plan.image_size) > LEAST_AREA:
        area = area_for_time(math.prod(plan.image_size), seconds_of_step(read_config(path)), 60 * minutes)
        if area < math.prod(plan.image_size):
            fitting = plan.with_area(area, contents.image_sizes, minutes)
    if fitting is not plan:
        path.write_text(config_text(contents, prepared, fitting), encoding='utf-8')
    return fitting


def summary_of_plan(path: Path, plan: Plan, prepared: PreparedSet, minutes: float | None = None) -> list[str]:
    """What was decided, in lines for the console."""
    width, height = plan.image_size
    crop_height, crop_width = plan.crop_size
    steps = f', {plan.accumulation} batches in a step' if plan.accumulation > 1 else ''
    length = f'{plan.max_iters} iterations' if minutes is None else f'{minutes:g} min, in iterations'
    return [
        f'{path}:',
        f'  model     {plan.model.name}, {plan.num_queries} queries, starts from {plan.model.start}',
        f'  split     {prepared.train_size} images for training, {prepared.val_size} for validation',
        f'  sizes     images at {width}x{height}, training crops of {crop_width}x{crop_height}',
        f'  training  {length} of {plan.batch_size} images{steps}, learning rate {scaled_rate(plan):g}',
        *(f'  note      {note}' for note in plan.notes),
    ]
