"""Every format: what was drawn comes out of training's loaders, pixel by pixel, with the names in order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from folder_fixtures import FIXTURES, draw_fixture
from folder_scenes import Drawn
from mmengine.registry import DATASETS, init_default_scope

from mmmaskformer.datasets.folders import PreparedSet, look_at

LOADERS = {
    'semantic': 'mmmaskformer.LoadAnnotations',
    'panoptic': 'mmmaskformer.LoadPanopticAnnotations',
    'instance': 'mmmaskformer.LoadInstanceAnnotations',
}


def targets(prepared: PreparedSet) -> dict[str, dict]:
    """Loaded samples of all splits by the stem of the image."""
    init_default_scope('mmseg')
    pipeline = [dict(type='mmmaskformer.LoadImageFromFile'), dict(type=LOADERS[prepared.task])]
    found = {}
    for split in prepared.configs:
        dataset = DATASETS.build({**prepared.dataset(split), 'pipeline': pipeline})
        assert dataset.metainfo['classes'] == tuple(entry.name for entry in prepared.classes)
        for place in range(len(dataset)):
            sample = dataset[place]
            found[Path(sample['img_path']).stem] = sample
    return found


def check(found: dict[str, dict], drawn: Drawn) -> None:
    assert sorted(found) == sorted(drawn.labels or drawn.masks)
    for stem, labels in drawn.labels.items():
        np.testing.assert_array_equal(found[stem]['gt_seg_map'], labels, err_msg=stem)
    for stem, masks in drawn.masks.items():
        sample = found[stem]
        maps = sample['gt_seg_map'].reshape(*sample['gt_seg_map'].shape[:2], -1)
        loaded = [
            (segment['category_id'], (maps == segment['id']).any(-1)) for segment in sample['segments_info']
        ]
        assert [label for label, _ in loaded] == [label for label, _ in masks], stem
        for (_, mask), (_, expected) in zip(loaded, masks):
            np.testing.assert_array_equal(mask, expected, err_msg=stem)


@pytest.mark.parametrize('name', FIXTURES)
def test_what_was_drawn_is_what_training_gets(name, tmp_path):
    drawn = draw_fixture(name, tmp_path / 'data')
    found = look_at(tmp_path / 'data')
    assert found.task == drawn.task
    assert tuple(entry.name for entry in found.classes) == drawn.classes
    assert found.left_out == {}
    prepared = found.prepare(tmp_path / 'out', workers=1)
    assert prepared.train_size + prepared.val_size == len(drawn.labels or drawn.masks)
    check(targets(prepared), drawn)
