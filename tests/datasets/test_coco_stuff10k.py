"""COCO-Stuff-10k's converter, and its files read back."""

import re
import runpy

import cv2
import numpy as np
import pytest
from data_trees import COCO_STUFF, WIDTH, draw_coco_stuff10k, stripes
from mmseg.datasets import COCOStuffDataset

from mmmaskformer.datasets.categories import load_categories
from mmmaskformer.datasets.converters import write_coco_stuff10k
from mmmaskformer.datasets.converters.coco_stuff10k import read_annotation

STRIPE = -(-WIDTH // len(COCO_STUFF))


@pytest.fixture
def stuff(tmp_path):
    return draw_coco_stuff10k(tmp_path / 'stuff')


def columns(labels):
    return labels[0, ::STRIPE].tolist()


def test_classes_of_mmsegmentation_are_the_things_and_the_stuff():
    classes = COCOStuffDataset.METAINFO['classes']
    assert len(classes) == 171
    assert classes[:80] == tuple(category.name for category in load_categories('coco_instance'))
    assert list(classes[80:]) == sorted(classes[80:])


def test_files(stuff):
    assert write_coco_stuff10k(stuff, num_workers=1) == {'train': 2, 'test': 1}
    dataset = COCOStuffDataset(
        data_root=str(stuff),
        data_prefix={'img_path': 'images/train2014', 'seg_map_path': 'annotations/train2014'},
        reduce_zero_label=True,
        pipeline=[{'type': 'mmmaskformer.LoadImageFromFile'}, {'type': 'mmmaskformer.LoadAnnotations'}],
    )
    assert len(dataset) == 2
    assert columns(dataset[1]['gt_seg_map']) == [255, 0, 79, 80, 170]
    name = 'COCO_train2014_000000000001.jpg'
    assert (stuff / 'images/train2014' / name).read_bytes() == (stuff / 'images' / name).read_bytes()


def test_files_that_are_there_are_kept(stuff):
    path = stuff / 'annotations' / 'train2014' / 'COCO_train2014_000000000001_labelTrainIds.png'
    path.parent.mkdir(parents=True)
    cv2.imwrite(str(path), stripes([9]))
    before = path.read_bytes()
    write_coco_stuff10k(stuff, ['train'], num_workers=2)
    assert path.read_bytes() == before
    assert len(list(path.parent.iterdir())) == 2
    assert not (stuff / 'annotations' / 'test2014').exists()


def test_release_1_0(tmp_path):
    """There, 1 is void and 2 the first of the classes, without gaps."""
    root = draw_coco_stuff10k(tmp_path / 'stuff', numbers=(1, 2, 81, 82, 172), num_names=172)
    labels = read_annotation(root / 'annotations' / 'COCO_train2014_000000000001.mat')
    assert columns(labels) == [0, 1, 80, 81, 171]


def test_release_1_0_in_matlab_7_3(tmp_path):
    """As published: an HDF5 file behind 512 bytes, columns first."""
    h5py = pytest.importorskip('h5py')
    path = tmp_path / 'a.mat'
    with h5py.File(path, 'w', userblock_size=512) as file:
        file['S'] = stripes([1, 2, 81, 82, 172], np.uint16).T
        file.create_dataset('names', (1, 172), h5py.ref_dtype)
    labels = read_annotation(path)
    assert labels.shape == (64, WIDTH)
    assert columns(labels) == [0, 1, 80, 81, 171]


@pytest.mark.parametrize('offset', [0, 512])
def test_damaged_matlab_7_3_or_no_reader_for_it(tmp_path, offset):
    path = tmp_path / 'a.mat'
    path.write_bytes(b'M' * offset + b'\x89HDF\r\n\x1a\n')
    with pytest.raises((ImportError, ValueError), match=r'a\.mat is (of release 1\.0, which|no annotation)'):
        read_annotation(path)


@pytest.mark.parametrize(
    ('numbers', 'num_names', 'label'), [((12, 1), 183, 12), ((183, 1), 183, 183), ((0, 2), 172, 0)]
)
def test_unknown_labels_are_named(tmp_path, numbers, num_names, label):
    root = draw_coco_stuff10k(tmp_path / 'stuff', numbers, num_names)
    path = root / 'annotations' / 'COCO_train2014_000000000001.mat'
    with pytest.raises(ValueError, match=re.escape(f'{path} has the label {label}, which is not a label')):
        write_coco_stuff10k(root, num_workers=1)


def test_what_is_wrong_is_named(stuff):
    cv2.imwrite(str(stuff / 'images' / 'COCO_train2014_000000000002.jpg'), np.zeros((64, 94, 3), np.uint8))
    with pytest.raises(ValueError, match=r'0002\.mat is 96x64 pixels, but its image is 94x64'):
        write_coco_stuff10k(stuff, num_workers=1)
    path = stuff / 'annotations' / 'COCO_train2014_000000000002.mat'
    path.write_text('no .mat file')
    with pytest.raises(ValueError, match=re.escape(f'{path} is not an annotation of COCO-Stuff-10k')):
        write_coco_stuff10k(stuff, num_workers=1)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=re.escape(f'1 files are missing, the first of them {path}')):
        write_coco_stuff10k(stuff, num_workers=1)
    names = stuff / 'imageLists' / 'test.txt'
    names.write_text('../../a')
    with pytest.raises(ValueError, match=re.escape(f"{names} names the file '../../a.jpg', which is not")):
        write_coco_stuff10k(stuff, ['test'], num_workers=1)
    with pytest.raises(ValueError, match="'val' is not a split of COCO-Stuff-10k"):
        write_coco_stuff10k(stuff, ['val'])


def test_tool(stuff, root, monkeypatch, capsys):
    tool = str(root / 'tools' / 'dataset_converters' / 'coco_stuff10k.py')
    monkeypatch.setattr('sys.argv', [tool, str(stuff), '--workers', '1'])
    runpy.run_path(tool, run_name='__main__')
    assert f'Converted 3 images of {stuff}' in capsys.readouterr().out
