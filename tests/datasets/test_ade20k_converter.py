import json
import re
import runpy

import cv2
import numpy as np
import pytest

from mmmaskformer.datasets import Ade20kPanopticDataset, CocoInstanceDataset
from mmmaskformer.datasets.converters import write_ade20k_instances, write_ade20k_panoptic

ROAD, SKYSCRAPER, BED, WALL, CABINET = 7, 49, 8, 1, 11  # labels, counted from 1
BED_THING, CABINET_THING = 1, 3  # the first and third of the hundred thing classes
LABELS = np.array([[ROAD, ROAD, SKYSCRAPER, SKYSCRAPER], [BED, BED, 0, WALL], [CABINET, BED, 0, WALL]])
OBJECTS = np.array([[0, 0, 0, 0], [1, 2, 2, 0], [5, 2, 2, 4]])
CLASSES = np.array(
    [[0, 0, 0, 0], [BED_THING] * 3 + [0], [CABINET_THING, BED_THING, BED_THING, CABINET_THING]]
)


@pytest.fixture
def ade(tmp_path):
    return draw_ade20k(tmp_path)


def draw_ade20k(tmp_path):
    """Both splits with the same image twice."""
    for split in ('training', 'validation'):
        for folder in ('images', 'annotations', 'annotations_instance'):
            (tmp_path / folder / split).mkdir(parents=True)
        for name in ('ADE_1', 'ADE_2'):
            instances = np.stack([np.zeros_like(OBJECTS), OBJECTS, CLASSES], -1)  # blue, green, red
            cv2.imwrite(str(tmp_path / 'images' / split / f'{name}.jpg'), np.zeros((3, 4, 3), np.uint8))
            cv2.imwrite(str(tmp_path / 'annotations' / split / f'{name}.png'), LABELS.astype(np.uint8))
            path = tmp_path / 'annotations_instance' / split / f'{name}.png'
            cv2.imwrite(str(path), instances.astype(np.uint8))
    return tmp_path


def segment(info):
    return info['category_id'], info['area'], tuple(info['bbox']), info['iscrowd']


def test_segments(ade):
    assert write_ade20k_panoptic(ade, num_workers=1) == {'training': 2, 'validation': 2}
    document = json.loads((ade / 'ade20k_panoptic_train.json').read_text())
    assert document['images'][1] == {'id': 'ADE_2', 'file_name': 'ADE_2.jpg', 'width': 4, 'height': 3}
    annotation = document['annotations'][1]
    assert (annotation['image_id'], annotation['file_name']) == ('ADE_2', 'ADE_2.png')
    assert sorted(map(segment, annotation['segments_info'])) == [
        (0, 2, (3, 1, 1, 2), 0),  # wall, before the cabinet is laid over it
        (6, 2, (0, 0, 2, 1), 0),
        (7, 1, (0, 1, 1, 1), 0),
        (7, 4, (1, 1, 2, 2), 0),
        (10, 1, (0, 2, 1, 1), 0),
        (10, 1, (3, 2, 1, 1), 0),
        (48, 2, (2, 0, 2, 1), 0),
    ]
    things = [category['id'] for category in document['categories'] if category['isthing']]
    assert len(things) == 100
    assert things[:3] == [7, 8, 10]


def test_pixels_read_back(ade):
    write_ade20k_panoptic(ade, ['training'], num_workers=1)
    dataset = Ade20kPanopticDataset(
        ann_file='ade20k_panoptic_train.json',
        data_root=str(ade),
        data_prefix={'img_path': 'images/training', 'seg_map_path': 'ade20k_panoptic_train'},
        pipeline=[
            {'type': 'mmmaskformer.LoadImageFromFile'},
            {'type': 'mmmaskformer.LoadPanopticAnnotations'},
        ],
    )
    sample = dataset[0]
    classes = np.array([255, *(s['category_id'] for s in sample['segments_info'])])[sample['gt_seg_map']]
    assert classes.tolist() == [[6, 6, 48, 48], [7, 7, 7, 0], [10, 7, 7, 10]]
    assert sorted(np.unique(sample['gt_seg_map'])) == [s['id'] for s in sample['segments_info']]
    assert not (ade / 'ade20k_panoptic_val').exists()


def test_instances(ade):
    assert write_ade20k_instances(ade, num_workers=1) == {'training': 2, 'validation': 2}
    document = json.loads((ade / 'ade20k_instance_train.json').read_text())
    assert document['images'][1] == {'id': 'ADE_2', 'file_name': 'ADE_2.jpg', 'width': 4, 'height': 3}
    assert [(a['id'], a['image_id'], *segment(a)) for a in document['annotations'][4:]] == [
        (5, 'ADE_2', 7, 1, (0, 1, 1, 1), 0),
        (6, 'ADE_2', 7, 4, (1, 1, 2, 2), 0),
        (7, 'ADE_2', 10, 1, (3, 2, 1, 1), 0),
        (8, 'ADE_2', 10, 1, (0, 2, 1, 1), 0),
    ]
    assert [category['id'] for category in document['categories']][:3] == [7, 8, 10]
    assert len(document['categories']) == 100


def test_instances_read_back(ade):
    write_ade20k_instances(ade, ['training'], num_workers=1)
    dataset = CocoInstanceDataset(
        ann_file='ade20k_instance_train.json',
        data_root=str(ade),
        data_prefix={'img_path': 'images/training'},
        categories='ade20k_instance',
        pipeline=[
            {'type': 'mmmaskformer.LoadImageFromFile'},
            {'type': 'mmmaskformer.LoadInstanceAnnotations'},
        ],
    )
    sample = dataset[1]
    assert sample['gt_seg_map'].tolist() == [[0, 0, 0, 0], [1, 2, 2, 0], [4, 2, 2, 3]]
    assert [s['category_id'] for s in sample['segments_info']] == [0, 0, 2, 2]  # bed, cabinet
    assert dataset.metainfo['classes'][:3] == ('bed', 'windowpane', 'cabinet')
    (ade / 'annotations_instance' / 'training' / 'ADE_1.png').unlink()
    with pytest.raises(FileNotFoundError, match=r'ADE_1\.png: unpack annotations_instance\.tar'):
        write_ade20k_instances(ade, num_workers=1)


def test_written_again(ade):
    """Nothing changes, whatever the number of processes; output that differs is not overwritten."""
    write_ade20k_panoptic(ade, num_workers=1)
    paths = sorted(path for path in ade.rglob('ade20k_panoptic_*') if path.is_file())
    paths += sorted((ade / 'ade20k_panoptic_train').iterdir())
    before = [path.read_bytes() for path in paths]
    write_ade20k_panoptic(ade, num_workers=2)
    assert [path.read_bytes() for path in paths] == before
    png = ade / 'ade20k_panoptic_train' / 'ADE_2.png'
    cv2.imwrite(str(png), np.ones((3, 4, 3), np.uint8))
    with pytest.raises(FileExistsError, match=r'ADE_2\.png already exists with other pixels: remove it'):
        write_ade20k_panoptic(ade, num_workers=1)
    png.unlink()
    (ade / 'ade20k_panoptic_train.json').write_text('{}')
    with pytest.raises(FileExistsError, match=r'ade20k_panoptic_train\.json already exists'):
        write_ade20k_panoptic(ade, num_workers=1)


def test_missing_files(ade):
    missing = ade / 'annotations_instance' / 'validation' / 'ADE_1.png'
    missing.unlink()
    with pytest.raises(
        FileNotFoundError, match=re.escape(f'1 files are missing, the first of them {missing}')
    ):
        write_ade20k_panoptic(ade, num_workers=1)
    assert not (ade / 'ade20k_panoptic_train.json').exists()
    with pytest.raises(FileNotFoundError, match=r'images/training holds no \*\.jpg file'):
        write_ade20k_panoptic(ade / 'images', num_workers=1)
    with pytest.raises(ValueError, match="'test' is not a split of ADE20K"):
        write_ade20k_panoptic(ade, ['test'], num_workers=1)


def damage(ade, folder, pixels):
    path = ade / folder / 'training' / 'ADE_1.png'
    cv2.imwrite(str(path), np.asarray(pixels, np.uint8))
    return path


def test_bad_maps(ade):
    instances = np.stack([np.zeros_like(OBJECTS), OBJECTS, CLASSES], -1)
    instances[1, 0, 2] = 101
    path = damage(ade, 'annotations_instance', instances)
    with pytest.raises(
        ValueError, match=re.escape(f'{path}: object 1 has the classes [101], but one of 1 to 100')
    ):
        write_ade20k_panoptic(ade, num_workers=1)
    instances[1, 1, 2] = 2
    instances[1, 0, 2] = 1
    damage(ade, 'annotations_instance', instances)
    with pytest.raises(ValueError, match=re.escape('object 2 has the classes [1, 2]')):
        write_ade20k_panoptic(ade, num_workers=1)
    damage(ade, 'annotations_instance', OBJECTS)
    with pytest.raises(ValueError, match=r'ADE_1\.png is not a PNG of three channels of 8 bits'):
        write_ade20k_panoptic(ade, num_workers=1)
    damage(ade, 'annotations_instance', np.zeros((2, 4, 3)))
    with pytest.raises(ValueError, match=r'ADE_1\.png is 4x2 pixels, but its image is 4x3'):
        write_ade20k_panoptic(ade, num_workers=1)


@pytest.mark.parametrize('kind', ['panoptic', 'instance'])
def test_tool(kind, ade, root, monkeypatch, capsys):
    tool = str(root / 'tools' / 'dataset_converters' / f'ade20k_{kind}.py')
    monkeypatch.setattr('sys.argv', [tool, str(ade), '--num-workers', '1'])
    runpy.run_path(tool, run_name='__main__')
    assert 'Converted 4 images' in capsys.readouterr().out
    (ade / 'annotations_instance' / 'training' / 'ADE_1.png').unlink()
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(tool, run_name='__main__')
    assert stop.value.code == 1
    assert 'Error: 1 files are missing' in capsys.readouterr().err
