"""The text of a config for a folder of data: it inherits ours, and has at most 25 lines."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..datasets.folders import FolderContents, PreparedSet
from .plan import Plan

BEST = {'semantic': 'mIoU', 'panoptic': 'PQ', 'instance': 'AP'}
"""The score that chooses the best checkpoint."""
TEST_CFG = {
    'semantic': '',
    'panoptic': ', test_cfg=dict(panoptic=dict(score_thr=0.5, overlap_thr=0.5))',
    'instance': ', test_cfg=dict(semantic=False, instance=dict(max_per_image=100))',
}
WARM_UP = 50


def config_text(contents: FolderContents, prepared: PreparedSet, plan: Plan) -> str:
    """The config of a plan, as Python code."""
    train, val = prepared.dataset('train'), prepared.dataset('val')
    lines = [*_head(contents, prepared, plan), *_data(prepared, train, val), *_pipelines(plan)]
    lines += [*_loaders(plan, train, val), *_model(plan), *_schedule(plan, prepared.train_size)]
    score = BEST[plan.task]
    lines.append(f'default_hooks = dict(checkpoint=dict(interval={plan.val_interval}, save_best={score!r}))')
    return '\n'.join(lines) + '\n'


def _head(contents: FolderContents, prepared: PreparedSet, plan: Plan) -> list[str]:
    sizes = f'{prepared.train_size} images for training, {prepared.val_size} for validation'
    return [
        f'# {contents.root}: {contents.format}, {sizes}. Written by `mmmaskformer new`.',
        '_base_ = [',
        f"    'mmmaskformer::_base_/models/{plan.model.base}.py',  # starts from {plan.model.start}",
        f"    'mmmaskformer::_base_/own_data/{plan.task}.py',",
        f"    'mmmaskformer::_base_/schedules/{plan.model.schedule}.py',",
        "    'mmmaskformer::_base_/own_data/runtime.py',  # stops early where nothing improves",
        ']',
    ]


def _data(prepared: PreparedSet, train: Mapping[str, Any], val: Mapping[str, Any]) -> list[str]:
    """Classes, colors, and what the two data sets share."""
    names = tuple(entry.name for entry in prepared.classes)
    things = ', '.join(entry.name for entry in prepared.classes if entry.is_thing)
    comment = f'  # things: {things}' if things and prepared.task == 'panoptic' else ''
    lines = [f'classes = {names!r}{comment}']
    metainfo = dict(train.get('metainfo') or {})
    if 'palette' in metainfo:
        lines.append(f'palette = {[list(color) for color in metainfo["palette"]]}  # red, green, blue')
    settings = [_settings({key: train[key] for key in train if _is_shared(key, train, val)})]
    if metainfo:
        variables = {key: key for key in ('classes', 'palette')}
        entries = [f'{key}={variables.get(key, repr(value))}' for key, value in metainfo.items()]
        settings.append(f'metainfo=dict({", ".join(entries)})')
    return [*lines, f'data = dict({", ".join(settings)})']


def _is_shared(key: str, train: Mapping[str, Any], val: Mapping[str, Any]) -> bool:
    return key != 'metainfo' and train[key] == val.get(key)


def _settings(config: Mapping[str, Any]) -> str:
    return ', '.join(f'{key}={value!r}' for key, value in config.items())


def _pipelines(plan: Plan) -> list[str]:
    pad = f'pad_val=dict(img=128, seg={255 if plan.task == "semantic" else 0})'
    edges = tuple(round(min(plan.image_size) * factor) for factor in (0.75, 1, 1.25, 1.5))
    sizes = f'{plan.task!r}, {plan.image_size}, {plan.crop_size}, (0.75, 1.5), {edges}'
    why = '' if plan.minutes is None else f' Small, for enough steps in {plan.minutes:g} min on this CPU.'
    lines = [
        f'# Sizes are (width, height) of images, (height, width) of crops.{why}',
        "train_pipeline, test_pipeline, tta_pipeline = _base_.pop('pipelines').random_sizes(",
        f'    {sizes}, {"distort=False" if plan.bands else pad})',
    ]
    if plan.bands:
        lines.append(
            "train_pipeline[0]['color_type'] = test_pipeline[0]['color_type'] = 'unchanged'  # all channels"
        )
    return lines


def _loaders(plan: Plan, train: Mapping[str, Any], val: Mapping[str, Any]) -> list[str]:
    workers = f'num_workers={plan.num_workers}, persistent_workers={plan.num_workers > 0}'
    own_train, own_val = (
        _settings({key: own[key] for key in own if key != 'metainfo' and not _is_shared(key, own, other)})
        for own, other in ((train, val), (val, train))
    )
    lines = [
        f'train_dataloader = dict(batch_size={plan.batch_size}, {workers},',
        f'    dataset=dict(**data, {own_train}, pipeline=train_pipeline))',
        f'val_dataloader = test_dataloader = dict({workers},',
        f'    dataset=dict(**data, {own_val}, pipeline=test_pipeline))',
    ]
    if plan.task == 'instance':
        path = str(Path(val.get('data_root') or '', val['ann_file']))
        lines.append(f'val_evaluator = test_evaluator = dict(ann_file={path!r})')
    return lines


def _model(plan: Plan) -> list[str]:
    head = f'num_classes=len(classes), num_queries={plan.num_queries}'
    backbone = []
    lines = []
    if plan.model.weights and plan.model.is_backbone:
        backbone.append(f'init_cfg=dict(type="Pretrained", checkpoint={plan.model.weights!r})')
    elif plan.model.weights:
        lines = [f'load_from = {plan.model.weights!r}']
        backbone.append('init_cfg=None')
        head += ', allow_class_mismatch=True'
    before = ''
    if plan.bands:
        backbone.append(f'in_channels={plan.bands}')
        before = f'data_preprocessor=dict(mean=[127.0] * {plan.bands}, std=[64.0] * {plan.bands}), '
    inside = f', backbone=dict({", ".join(backbone)})' if backbone else ''
    return [*lines, f'model = dict({before}decode_head=dict({head}){inside}{TEST_CFG[plan.task]})']


def _schedule(plan: Plan, num_images: int) -> list[str]:
    epochs = plan.max_iters * plan.batch_size / num_images
    rate = scaled_rate(plan)
    accumulation = '' if plan.accumulation == 1 else f', accumulative_counts={plan.accumulation}'
    warm_up = min(WARM_UP, max(plan.max_iters // 10, 1))
    return [
        f'max_iters = {plan.max_iters}  # each image about {max(round(epochs), 1)} times',
        f'optim_wrapper = dict(optimizer=dict(lr={rate:g}){accumulation})',
        f"param_scheduler = _base_.pop('schedules').poly(max_iters, warm_up={warm_up})",
        f'train_cfg = dict(max_iters=max_iters, val_interval={plan.val_interval})',
    ]


def scaled_rate(plan: Plan) -> float:
    """The recipe's learning rate, scaled with the images in a step of the optimizer."""
    images = plan.batch_size * plan.accumulation
    return float(f'{plan.model.rate * images / plan.model.batch:.3g}')


def describe(contents: FolderContents) -> list[str]:
    """What was found in a folder, in lines for the console."""
    parts = [f'{part.num_images} {split}' for split, part in contents.splits.items() if split != 'all']
    total = sum(part.num_images for part in contents.splits.values())
    images = f'{total} ({", ".join(parts)})' if parts else f'{total}, not split'
    classes = ', '.join(entry.name for entry in contents.classes[:12])
    more = f', and {len(contents.classes) - 12} more' if len(contents.classes) > 12 else ''
    lines = [
        f'{contents.root}: {contents.format}, for {contents.task} segmentation',
        f'  images    {images}, {_sizes(contents.image_sizes)}',
        f'  classes   {len(contents.classes)}: {classes}{more}',
    ]
    things = [entry.name for entry in contents.classes if entry.is_thing]
    if contents.task == 'panoptic':
        stuff = len(contents.classes) - len(things)
        lines.append(f'  things    {len(things)} of the classes are counted as objects, {stuff} are stuff')
    typical, most = contents.segments_per_image
    kind = 'classes' if contents.task == 'semantic' else 'segments'
    lines.append(f'  in one    {typical:g} {kind} (median of the images), at most {most}')
    lines += [f'  left out  {number}: {reason}' for reason, number in contents.left_out.items()]
    return [*lines, *(f'  note      {note}' for note in contents.notes)]


def _sizes(sizes: list[tuple[int, int]]) -> str:
    different = sorted({(width, height) for height, width in sizes})
    if len(different) == 1:
        return f'{different[0][0]}x{different[0][1]}'
    areas = sorted(different, key=math.prod)
    small, large = areas[0], areas[-1]
    return f'from {small[0]}x{small[1]} to {large[0]}x{large[1]}'
