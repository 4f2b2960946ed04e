"""Statistics of a data set, and its images as the model gets them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import DATASETS

from mmmaskformer.apis import browse_dataset, inspect_dataset
from mmmaskformer.datasets.survey import survey
from mmmaskformer.toy_scenes import ToyRecipe, write_toy
from mmmaskformer.visualization.sheets import GAP, TITLE

sys.path.insert(0, str(Path(__file__).parents[1] / 'datasets'))
from label_maps import write_label_maps
from small_coco import CATEGORIES, document, write_image, write_json

HEAD = dict(type='mmmaskformer.MaskFormerHead', num_queries=2)


def config_of(dataset: dict, **changes) -> Config:
    return Config(dict(train_dataloader=dict(dataset=dataset), model=dict(decode_head=HEAD), **changes))


def test_label_maps_by_hand(tmp_path, capsys):
    config = config_of(dict(type='RepeatDataset', times=3, dataset=write_label_maps(tmp_path)))
    report = inspect_dataset(config, ['train'], tmp_path / 'out')['train']
    assert (report['num_images'], report['num_samples'], report['num_examined']) == (4, 12, 4)
    assert report['classes'] == {
        'sky': dict(images=4, segments=4, pixels=29),
        'road': dict(images=2, segments=2, pixels=9),
        'car': dict(images=1, segments=1, pixels=6),
        'dog': dict(images=0, segments=0, pixels=0),
    }
    assert report['absent_classes'] == ['dog']
    assert report['labels_outside'] == {'255': 1}
    assert report['void_share'] == pytest.approx(4 / 48)
    most = f'{tmp_path}/img/3.jpg'
    assert report['segments_per_image'] == dict(median=1.5, max=3, image=most)
    assert report['images_above_num_queries'] == [most]
    assert (report['suffixes'], report['sizes']) == ({'.jpg': 4}, {'4x3': 4})
    assert report['kinds'] == {'3 channels of 8 bits': 4}
    assert json.loads((tmp_path / 'out/train.json').read_text()) == report
    assert cv2.imread(str(tmp_path / 'out/train.png')).shape[2] == 3
    printed = capsys.readouterr().out
    assert 'dog' in printed
    assert '1 of 4 classes never occurs: dog.' in printed


def test_panoptic_by_hand(tmp_path):
    """Of fifteen pixels, two zeros and a crowd of two pixels are void."""
    write_image(tmp_path)
    folders = dict(img_path=str(tmp_path), seg_map_path=str(tmp_path))
    dataset = dict(type='mmmaskformer.CocoPanopticDataset', ann_file=write_json(tmp_path, document()))
    report = inspect_dataset(config_of(dict(dataset, data_prefix=folders)), ['train'], show=False)['train']
    assert [value['pixels'] for value in report['classes'].values()] == [3, 5, 3]
    assert [value['segments'] for value in report['classes'].values()] == [1, 1, 1]
    assert report['void_share'] == pytest.approx(4 / 15)
    assert report['segments_per_image']['max'] == 3
    assert report['left_out'] == {}


def test_instances(tmp_path):
    square = [[0, 0, 2, 0, 2, 2, 0, 2]]
    objects = [dict(image_id=11, category_id=number, segmentation=square) for number in (7, 7, 90)]
    for number, one in enumerate(objects, start=1):
        one.update(id=number, iscrowd=0, area=4)
    images = document()['images'] + [dict(id=12, file_name='b.jpg')]
    content = dict(images=images, annotations=objects, categories=CATEGORIES)
    write_image(tmp_path)
    dataset = dict(type='mmmaskformer.CocoInstanceDataset', ann_file=write_json(tmp_path, content))
    statistics = survey(DATASETS.build(dict(dataset, data_prefix=dict(img_path=str(tmp_path)))))
    assert statistics.segments.tolist() == [2, 0, 1]
    assert statistics.images.tolist() == [1, 0, 1]
    assert statistics.pixels.tolist() == [8, 0, 4]
    assert statistics.num_segments == {f'{tmp_path}/a.jpg': 3, f'{tmp_path}/b.jpg': 0}
    assert statistics.left_out['images that do not exist'] == [f'{tmp_path}/b.jpg']
    assert list(statistics.unreadable) == [f'{tmp_path}/b.jpg']


def test_evenly_spaced_images(tmp_path):
    maps = [{0: 12}] * 8 + [{1: 12}]
    statistics = survey(DATASETS.build(write_label_maps(tmp_path, maps)), number=3)
    assert sorted(Path(path).stem for path in statistics.num_segments) == ['0', '4', '8']
    assert not statistics.complete


def test_repeated_names_and_unreadable_files(tmp_path):
    one, two = write_label_maps(tmp_path / 'one'), write_label_maps(tmp_path / 'two')
    (tmp_path / 'one/img/1.jpg').write_bytes(b'')
    cv2.imwrite(str(tmp_path / 'two/ann/2.png'), np.zeros((3, 4, 3), np.uint8))
    statistics = survey(DATASETS.build(dict(type='ConcatDataset', datasets=[one, two])))
    assert statistics.num_images == 8
    assert statistics.repeated_names == ['0.jpg', '1.jpg', '2.jpg', '3.jpg']
    assert sorted(statistics.unreadable) == [f'{tmp_path}/one/img/1.jpg', f'{tmp_path}/two/ann/2.png']


def test_missing_phases(tmp_path):
    with pytest.raises(ValueError, match='The config has no val_dataloader'):
        inspect_dataset(config_of(write_label_maps(tmp_path)), ['val'])


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
