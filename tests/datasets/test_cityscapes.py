"""Cityscapes' converters, and their files read back."""

import json
import re
import runpy

import cv2
import numpy as np
import pytest
from data_trees import HEIGHT, WIDTH, draw_cityscapes, save, stripes
from mmseg.datasets import CityscapesDataset

from mmmaskformer.datasets import CityscapesPanopticDataset, CocoInstanceDataset
from mmmaskformer.datasets.categories import load_categories
from mmmaskformer.datasets.converters import (
    write_cityscapes_instances,
    write_cityscapes_labels,
    write_cityscapes_panoptic,
)

STRIPE = WIDTH // 8
AACHEN = 'aachen/aachen_000000_000019'


@pytest.fixture
def city(tmp_path):
    return draw_cityscapes(tmp_path)


def files_of(folder, pattern):
    return {path: path.read_bytes() for path in sorted(folder.rglob(pattern))}


def test_categories_are_those_of_mmsegmentation():
    categories = load_categories('cityscapes_panoptic')
    assert tuple(category.name for category in categories) == CityscapesDataset.METAINFO['classes']
    assert [list(category.color) for category in categories] == CityscapesDataset.METAINFO['palette']
    assert [category.id for category in categories if category.isthing] == [24, 25, 26, 27, 28, 31, 32, 33]


def test_label_maps(city):
    assert write_cityscapes_labels(city, num_workers=1) == {'train': 3, 'val': 1}
    dataset = CityscapesDataset(
        data_root=str(city),
        data_prefix={'img_path': 'leftImg8bit/train', 'seg_map_path': 'gtFine/train'},
        pipeline=[{'type': 'mmmaskformer.LoadAnnotations'}],
    )
    assert dataset[2]['gt_seg_map'][0, ::STRIPE].tolist() == [10, 255, 0, 13, 13, 13, 11, 255]


def test_label_maps_that_are_there_are_kept(city):
    path = city / 'gtFine' / 'train' / f'{AACHEN}_gtFine_labelTrainIds.png'
    save(path, stripes([5]))
    before = path.read_bytes()
    write_cityscapes_labels(city, ['train'], num_workers=2)
    assert path.read_bytes() == before
    assert len(files_of(city / 'gtFine' / 'train', '*_labelTrainIds.png')) == 3
    assert not files_of(city, '*.unfinished')
    assert not files_of(city / 'gtFine' / 'val', '*_labelTrainIds.png')


def test_panoptic_annotations(city):
    """Ids, names and crowds are those that cityscapesscripts writes."""
    assert write_cityscapes_panoptic(city, num_workers=1) == {'train': 3, 'val': 1}
    document = json.loads((city / 'gtFine' / 'cityscapes_panoptic_train.json').read_text())
    assert document['images'][0] == {
        'id': 'aachen_000000_000019',
        'width': WIDTH,
        'height': HEIGHT,
        'file_name': 'aachen_000000_000019_gtFine_leftImg8bit.png',
    }
    annotation = document['annotations'][0]
    assert annotation['image_id'] == 'aachen_000000_000019'
    assert annotation['file_name'] == 'aachen_000000_000019_gtFine_panoptic.png'
    assert [(s['id'], s['category_id'], s['iscrowd']) for s in annotation['segments_info']] == [
        (7, 7, 0),
        (23, 23, 0),
        (26, 26, 1),
        (24000, 24, 0),
        (26000, 26, 0),
        (26001, 26, 0),
    ]
    assert annotation['segments_info'][1]['bbox'] == [0, 0, STRIPE, HEIGHT]
    assert {s['area'] for s in annotation['segments_info']} == {STRIPE * HEIGHT}
    png = cv2.imread(str(city / 'gtFine' / 'cityscapes_panoptic_train' / annotation['file_name']))
    ids = png[0, ::STRIPE].astype(int) @ [65536, 256, 1]
    assert ids.tolist() == [23, 0, 7, 26, 26000, 26001, 24000, 0]
    assert len(document['categories']) == 19


def test_panoptic_annotations_read_back(city):
    write_cityscapes_panoptic(city, ['train'], num_workers=1)
    dataset = CityscapesPanopticDataset(
        ann_file='gtFine/cityscapes_panoptic_train.json',
        data_root=str(city),
        data_prefix={
            'img_path': 'leftImg8bit/train',
            'seg_map_path': 'gtFine/cityscapes_panoptic_train',
        },
        pipeline=[
            {'type': 'mmmaskformer.LoadImageFromFile'},
            {'type': 'mmmaskformer.LoadPanopticAnnotations'},
        ],
    )
    assert len(dataset) == 3
    sample = dataset[2]
    assert sample['img_path'] == str(city / 'leftImg8bit/train/bochum/bochum_000000_000019_leftImg8bit.png')
    classes = np.array([255, *(s['category_id'] for s in sample['segments_info'])])[sample['gt_seg_map']]
    assert classes[0, ::STRIPE].tolist() == [10, 255, 0, 13, 13, 13, 11, 255]
    assert len(np.unique(sample['gt_seg_map'])) == 7


def test_panoptic_annotations_written_again(city):
    """Half of the work done already, by any number of processes: the same files."""
    write_cityscapes_panoptic(city, num_workers=1)
    before = files_of(city / 'gtFine', 'cityscapes_panoptic_*.json') | files_of(city, '*_panoptic.png')
    (city / 'gtFine' / 'cityscapes_panoptic_train.json').unlink()
    next(iter(files_of(city, '*_panoptic.png'))).unlink()
    write_cityscapes_panoptic(city, num_workers=2)
    after = files_of(city / 'gtFine', 'cityscapes_panoptic_*.json') | files_of(city, '*_panoptic.png')
    assert after == before
    png = next(iter(files_of(city, '*_panoptic.png')))
    save(png, np.ones((HEIGHT, WIDTH, 3), np.uint8))
    with pytest.raises(FileExistsError, match=re.escape(f'{png} already exists with other pixels')):
        write_cityscapes_panoptic(city, num_workers=1)


def test_instances(city):
    """Objects of the eight classes; a group of cars is a crowd, a caravan is not evaluated."""
    assert write_cityscapes_instances(city, num_workers=1) == {'train': 3, 'val': 1}
    document = json.loads((city / 'gtFine' / 'cityscapes_instance_train.json').read_text())
    assert document['images'][0]['file_name'] == f'{AACHEN}_leftImg8bit.png'
    assert [(a['category_id'], a['iscrowd'], a['bbox'][0]) for a in document['annotations'][:4]] == [
        (26, 1, 3 * STRIPE),
        (24, 0, 6 * STRIPE),
        (26, 0, 4 * STRIPE),
        (26, 0, 5 * STRIPE),
    ]
    assert {a['area'] for a in document['annotations']} == {STRIPE * HEIGHT}
    assert [a['id'] for a in document['annotations']] == list(range(1, 13))
    assert [category['id'] for category in document['categories']] == [24, 25, 26, 27, 28, 31, 32, 33]


def test_instances_read_back(city):
    write_cityscapes_instances(city, ['train'], num_workers=1)
    dataset = CocoInstanceDataset(
        ann_file='gtFine/cityscapes_instance_train.json',
        data_root=str(city),
        data_prefix={'img_path': 'leftImg8bit/train'},
        categories='cityscapes_instance',
        pipeline=[
            {'type': 'mmmaskformer.LoadImageFromFile'},
            {'type': 'mmmaskformer.LoadInstanceAnnotations'},
        ],
    )
    sample = dataset[2]
    assert sample['img_path'] == str(city / 'leftImg8bit/train/bochum/bochum_000000_000019_leftImg8bit.png')
    assert sample['gt_seg_map'][0, ::STRIPE].tolist() == [0, 0, 0, 1, 3, 4, 2, 0]
    assert [(s['category_id'], s['iscrowd']) for s in sample['segments_info']] == [
        (2, True),
        (0, False),
        (2, False),
        (2, False),
    ]


CONVERTERS = [write_cityscapes_labels, write_cityscapes_panoptic, write_cityscapes_instances]


@pytest.mark.parametrize('convert', CONVERTERS)
def test_what_is_wrong_is_named(city, convert):
    kind, dtype = ('labelIds', np.uint8) if convert is write_cityscapes_labels else ('instanceIds', np.uint16)
    path = city / 'gtFine' / 'train' / f'{AACHEN}_gtFine_{kind}.png'
    save(path, stripes([7, 34], dtype))
    with pytest.raises(ValueError, match=re.escape(f'{path} has the label 34, which is not a label')):
        convert(city, num_workers=1)
    save(path, stripes([7], dtype)[:-2])
    with pytest.raises(ValueError, match=re.escape(f'{path} is 96x62 pixels, but its image is 96x64')):
        convert(city, num_workers=1)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=re.escape(f'1 files are missing, the first of them {path}')):
        convert(city, num_workers=1)
    with pytest.raises(FileNotFoundError, match=r'test holds no CITY/\*_leftImg8bit\.png'):
        convert(city, ['test'], num_workers=1)
    with pytest.raises(ValueError, match="'training' is not a split of Cityscapes"):
        convert(city, ['training'], num_workers=1)
    (city / 'leftImg8bit' / 'val' / 'lindau').rename(city / 'leftImg8bit' / 'val' / 'ulm')
    with pytest.raises(ValueError, match='is not in the folder of its city, lindau'):
        convert(city, ['val'], num_workers=1)


@pytest.mark.parametrize('tool', ['cityscapes', 'cityscapes_panoptic', 'cityscapes_instance'])
def test_tools(city, root, tool, monkeypatch, capsys):
    path = str(root / 'tools' / 'dataset_converters' / f'{tool}.py')
    monkeypatch.setattr('sys.argv', [path, str(city), '--workers', '1', '--splits', 'val'])
    runpy.run_path(path, run_name='__main__')
    assert f'Converted 1 images of {city}' in capsys.readouterr().out
    monkeypatch.setattr('sys.argv', [path, str(city / 'gtFine')])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(path, run_name='__main__')
    assert stop.value.code == 1
    assert 'Error: ' in capsys.readouterr().err
