"""Clothing Co-Parsing's converter, and its files read back."""

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from mmmaskformer.datasets import ClothingCoParsingDataset
from mmmaskformer.datasets.clothing import CLASSES, GROUPS
from mmmaskformer.datasets.converters import write_clothing_co_parsing

SIZE = (12, 8)


def draw_clothing(root, names=('0001', '0002', '0004', '0005', '0006', '0007'), classes=CLASSES):
    """The public repository's layout: photograph i has label i in its left half, and 58 on the right."""
    (root / 'photos').mkdir(parents=True)
    (root / 'annotations' / 'pixel-level').mkdir(parents=True)
    label_list = np.empty((1, len(classes)), object)
    label_list[0] = classes
    savemat(root / 'label_list.mat', dict(label_list=label_list))
    for index, name in enumerate(names):
        labels = np.full(SIZE, 58, np.uint8)
        labels[:, :4] = index
        cv2.imwrite(str(root / 'photos' / f'{name}.jpg'), np.full((*SIZE, 3), 9 * index, np.uint8))
        savemat(root / 'annotations' / 'pixel-level' / f'{name}.mat', dict(groundtruth=labels))
    cv2.imwrite(str(root / 'photos' / '1900.jpg'), np.zeros((*SIZE, 3), np.uint8))  # without labels
    return root


@pytest.fixture
def ccp(tmp_path):
    return draw_clothing(tmp_path / 'ccp')


def test_every_fifth_annotated_photograph_is_for_validation(ccp):
    assert write_clothing_co_parsing(ccp, num_workers=1) == {'train': 4, 'val': 2}
    assert sorted(path.name for path in (ccp / 'img' / 'val').iterdir()) == ['0001.jpg', '0007.jpg']
    assert (ccp / 'img' / 'val' / '0001.jpg').read_bytes() == (ccp / 'photos' / '0001.jpg').read_bytes()


def test_labels_are_the_classes_as_they_are(ccp):
    write_clothing_co_parsing(ccp, num_workers=1)
    dataset = ClothingCoParsingDataset(
        data_root=str(ccp),
        data_prefix=dict(img_path='img/val', seg_map_path='ann/val'),
        pipeline=[dict(type='mmmaskformer.LoadImageFromFile'), dict(type='mmmaskformer.LoadAnnotations')],
    )
    assert len(dataset) == 2
    assert dataset[1]['gt_seg_map'][0].tolist() == [5] * 4 + [58] * 4
    assert dataset.metainfo['classes'][5] == 'blouse'
    assert dataset.metainfo['classes'][58] == 'wedges'
    assert len({tuple(color) for color in dataset.metainfo['palette']}) == 59


def test_finished_files_stay(ccp):
    finished = ccp / 'ann' / 'train' / '0002.png'
    finished.parent.mkdir(parents=True)
    finished.write_bytes(b'finished')
    assert write_clothing_co_parsing(ccp, ['train'], num_workers=1) == {'train': 4}
    assert finished.read_bytes() == b'finished'
    assert not (ccp / 'ann' / 'val').exists()


def test_another_list_of_classes_is_refused(tmp_path):
    other = (*CLASSES[:3], 'belts', *CLASSES[4:])
    with pytest.raises(ValueError, match='first at label 3'):
        write_clothing_co_parsing(draw_clothing(tmp_path / 'ccp', classes=other))


def test_missing_files_are_named(ccp):
    (ccp / 'photos' / '0004.jpg').unlink()
    with pytest.raises(FileNotFoundError, match=r'1 files are missing, the first of them .*0004.jpg: clone'):
        write_clothing_co_parsing(ccp)
    with pytest.raises(FileNotFoundError, match='label_list'):
        write_clothing_co_parsing(ccp / 'img')
    with pytest.raises(ValueError, match="'test'; expected one of train, val"):
        write_clothing_co_parsing(ccp, ['test'])


def test_a_map_must_have_the_size_of_its_photograph(ccp):
    savemat(ccp / 'annotations' / 'pixel-level' / '0005.mat', dict(groundtruth=np.zeros((3, 3), np.uint8)))
    with pytest.raises(ValueError, match=r'0005.mat is 3x3 pixels, but its image is 8x12'):
        write_clothing_co_parsing(ccp, num_workers=1)


@pytest.mark.parametrize('number', [12, 2])
def test_every_class_is_in_exactly_one_group(number):
    groups = GROUPS[number]
    assert len(groups) == number
    assert sorted(name for names in groups.values() for name in names) == sorted(CLASSES)
    assert all(groups[name] == [name] for name in set(groups) & set(CLASSES))


def test_labels_of_groups(ccp):
    write_clothing_co_parsing(ccp, num_workers=1)
    settings = dict(
        data_root=str(ccp),
        data_prefix=dict(img_path='img/val', seg_map_path='ann/val'),
        pipeline=[dict(type='mmmaskformer.LoadImageFromFile'), dict(type='mmmaskformer.LoadAnnotations')],
    )
    dataset = ClothingCoParsingDataset(num_groups=12, **settings)
    names = dataset.metainfo['classes']
    assert (len(names), len(dataset.metainfo['palette'])) == (12, 12)
    maps = [dataset[index]['gt_seg_map'][0] for index in (0, 1)]  # null and wedges, blouse and wedges
    assert [names[label] for label in maps[0]] == ['background'] * 4 + ['footwear'] * 4
    assert [names[label] for label in maps[1]] == ['tops and underwear'] * 4 + ['footwear'] * 4
    two = ClothingCoParsingDataset(num_groups=2, **settings)
    assert two[0]['gt_seg_map'][0].tolist() == [0] * 4 + [1] * 4
    assert two[1]['gt_seg_map'].min() == 1
    with pytest.raises(ValueError, match=r'num_groups=7; expected one of \[2, 12\], or None'):
        ClothingCoParsingDataset(num_groups=7, **settings)
