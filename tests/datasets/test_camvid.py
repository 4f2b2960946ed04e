import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmmaskformer.datasets import CamVidDataset

CAMVID = Path(__file__).parents[3] / 'shared' / 'data' / 'camvid'
LOADING = [{'type': 'mmmaskformer.LoadImageFromFile'}, {'type': 'mmmaskformer.LoadAnnotations'}]


@pytest.fixture
def root(tmp_path):
    """Twelve pixels, one of each label."""
    (tmp_path / 'img').mkdir()
    (tmp_path / 'ann').mkdir()
    cv2.imwrite(str(tmp_path / 'img' / 'a.jpg'), np.zeros((3, 4, 3), np.uint8))
    cv2.imwrite(str(tmp_path / 'ann' / 'a.png'), np.arange(12, dtype=np.uint8).reshape(3, 4))
    return tmp_path


def load(root, **kwargs):
    prefix = {'img_path': 'img', 'seg_map_path': 'ann'}
    return CamVidDataset(data_root=str(root), data_prefix=prefix, pipeline=LOADING, **kwargs)


def test_void_is_ignored_and_nothing_else(root):
    labels = load(root)[0]['gt_seg_map'].flatten()
    assert labels.tolist() == [*range(11), 255]


def test_subset_of_classes(root):
    dataset = load(root, metainfo={'classes': ('car', 'sky')})
    assert dataset.metainfo['palette'] == [[64, 0, 128], [128, 128, 128]]
    expected = [255] * 12
    expected[8], expected[0] = 0, 1
    assert dataset[0]['gt_seg_map'].flatten().tolist() == expected


@pytest.mark.skipif(not CAMVID.is_dir(), reason='needs the CamVid frames')
@pytest.mark.parametrize(('split', 'number'), [('train', 367), ('val', 101), ('test', 233)])
def test_frames(split, number):
    prefix = {'img_path': f'img/{split}', 'seg_map_path': f'ann/{split}'}
    dataset = CamVidDataset(data_root=os.fspath(CAMVID), data_prefix=prefix, pipeline=LOADING)
    assert len(dataset) == number
    sample = dataset[0]
    assert sample['img'].shape == (360, 480, 3)
    assert set(np.unique(sample['gt_seg_map'])) <= {*range(11), 255}
