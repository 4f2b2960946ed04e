"""Published data sets are recognised by their folders and have the classes of their lists."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from mmengine.registry import DATASETS, init_default_scope

sys.path.insert(0, str(Path(__file__).parents[1]))

from data_trees import HEIGHT, WIDTH, draw_cityscapes, noise, save, stripes

from mmmaskformer.datasets.folders import look_at


def target(prepared, split):
    init_default_scope('mmseg')
    pipeline = [dict(type='mmmaskformer.LoadImageFromFile'), dict(type='mmmaskformer.LoadAnnotations')]
    return DATASETS.build({**prepared.dataset(split), 'pipeline': pipeline})[0]['gt_seg_map']


def test_cityscapes_in_place(tmp_path):
    found = look_at(draw_cityscapes(tmp_path / 'data'))
    assert (found.format, found.task, found.classes[0].name, len(found.classes)) == (
        'cityscapes', 'semantic', 'road', 19,
    )  # fmt: skip
    assert {split: part.num_images for split, part in found.splits.items()} == {'train': 3, 'val': 1}
    labels = target(found.prepare(tmp_path / 'out'), 'train')
    # sky, ego vehicle, road, cars, two cars, a person, a caravan
    assert labels[0, :: WIDTH // 8].tolist() == [10, 255, 0, 13, 13, 13, 11, 255]


def test_ade20k_counts_from_one(tmp_path):
    for split, name in (('training', 'ADE_train_00000001'), ('validation', 'ADE_val_00000001')):
        save(tmp_path / 'data' / 'images' / split / f'{name}.jpg', noise())
        save(tmp_path / 'data' / 'annotations' / split / f'{name}.png', stripes([0, 1, 150]))
    found = look_at(tmp_path / 'data')
    assert (found.format, found.classes[0].name, found.classes[149].name) == ('ade20k', 'wall', 'flag')
    labels = target(found.prepare(tmp_path / 'out'), 'val')
    assert labels.shape == (HEIGHT, WIDTH)
    assert np.unique(labels).tolist() == [0, 149, 255]
