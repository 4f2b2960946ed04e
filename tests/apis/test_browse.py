"""Browsing writes panoptic ground truth as the model gets it."""

from pathlib import Path

import cv2
import pytest
from mmengine.config import Config

from mmmaskformer.apis import browse_dataset
from mmmaskformer.toy_scenes import ToyRecipe, write_toy
from mmmaskformer.visualization.sheet import GAP, TITLE


@pytest.fixture(scope='module')
def config(root, tmp_path_factory):
    data_root = tmp_path_factory.mktemp('data') / 'toy'
    write_toy(data_root, ToyRecipe(num_training=2, num_validation=1, height=120, width=160))
    cfg = Config.fromfile(root / 'configs/toy/maskformer_r18_toy.py')
    for phase in ('train', 'val', 'test'):
        cfg[f'{phase}_dataloader'] = Config.fromfile(root / 'configs/_base_/datasets/toy_panoptic.py')[
            f'{phase}_dataloader'
        ]
        cfg[f'{phase}_dataloader'].dataset.data_root = str(data_root)
    return cfg


def test_panoptic_ground_truth_is_drawn(config, tmp_path):
    paths = browse_dataset(config, str(tmp_path), 'train', 2)
    assert [Path(path).name[:5] for path in paths] == ['00000', '00001']
    for path in paths:
        assert cv2.imread(path).shape == (3 * 96 + TITLE, 3 * 128, 3), 'a crop, enlarged'


def test_test_pipelines_also_show_the_semantic_ground_truth(config, tmp_path):
    (path,) = browse_dataset(config, str(tmp_path), 'test', 5)
    assert cv2.imread(path).shape == (3 * 120 + TITLE, 2 * 3 * 160 + GAP, 3)
