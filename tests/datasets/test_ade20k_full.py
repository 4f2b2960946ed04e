"""ADE20K-Full: classes, converter and 16-bit labels in the data pipeline."""

import pickle
import re
import runpy

import cv2
import numpy as np
import pytest
import torch
from data_trees import ADE20K, HEIGHT, WIDTH, draw_ade20k_full, noise, save
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import METRICS
from PIL import Image

from mmmaskformer.datasets import Ade20kFullDataset
from mmmaskformer.datasets.ade20k import CLASSES
from mmmaskformer.datasets.converters import write_ade20k_full
from mmmaskformer.datasets.converters.ade20k_full import _size, read_labels

STRIPE = WIDTH // len(ADE20K)
IGNORED = 65535


@pytest.fixture
def ade(tmp_path):
    return draw_ade20k_full(tmp_path / 'ade')


def load(ade, split='training', pipeline=(), **kwargs):
    loading = [{'type': 'mmmaskformer.LoadImageFromFile'}, {'type': 'mmmaskformer.LoadAnnotations'}]
    prefix = {
        'img_path': f'images_detectron2/{split}',
        'seg_map_path': f'annotations_detectron2/{split}',
    }
    return Ade20kFullDataset(data_root=str(ade), data_prefix=prefix, pipeline=[*loading, *pipeline], **kwargs)


def test_classes():
    """Numbers below 3100 are those of an alphabet: a slip of one line would break it."""
    meta = Ade20kFullDataset.METAINFO
    assert len(meta['classes']) == len(set(meta['classes'])) == 847
    assert len({tuple(color) for color in meta['palette']}) == 847
    assert meta['classes'][:2] == ('wall', 'building, edifice')
    assert [CLASSES[n] for n in (2978, 1831, 3148)] == [
        'wall',
        'person, individual, someone, somebody, mortal, soul',
        'adding machine, totalizer, totaliser',
    ]
    names = [CLASSES[number] for number in sorted(CLASSES) if number < 3100]
    assert names == sorted(names)


def test_files(ade):
    assert write_ade20k_full(ade, num_workers=1) == {'training': 2, 'validation': 1}
    dataset = load(ade)
    assert [info['img_path'][-9:] for info in dataset] == ['ame_2.jpg', 'ain_1.jpg']
    sample = dataset[0]
    assert sample['gt_seg_map'].dtype == np.int32
    assert sample['gt_seg_map'][0, ::STRIPE].tolist() == [0, 846, IGNORED, IGNORED]
    assert sample['img'].shape == (HEIGHT, WIDTH, 3)


def test_large_images_are_shrunk(tmp_path):
    ade = draw_ade20k_full(tmp_path, scale=10)
    write_ade20k_full(ade, ['validation'], num_workers=1)
    sample = load(ade, 'validation')[0]
    assert sample['img'].shape == (512, 768, 3)
    assert sample['gt_seg_map'].shape == (512, 768)
    assert sample['gt_seg_map'][0, ::192].tolist() == [0, 846, IGNORED, IGNORED]
    assert not (ade / 'images_detectron2' / 'training').exists()


@pytest.mark.parametrize(
    ('size', 'expected'),
    [
        ((512, 2000), (2000, 512)),
        ((1024, 513), (1022, 512)[::-1]),
        ((600, 601), (513, 512)),
        ((9, 7), (7, 9)),
    ],
)
def test_sizes(size, expected):
    assert _size(*size) == expected


def test_numbers_of_the_colors():
    """256 * (red // 10) + green; blue has the objects."""
    colors = np.array([[[113, 162, 9], [123, 76, 200], [0, 1, 0], [255, 255, 255]]], np.uint8)
    assert read_labels(colors)[0].tolist() == [0, 846, IGNORED, IGNORED]


def test_files_that_are_there_are_kept(ade):
    write_ade20k_full(ade, ['training'], num_workers=1)
    paths = sorted((ade / 'annotations_detectron2').rglob('*.tif')) + sorted(
        (ade / 'images_detectron2').rglob('*.jpg')
    )
    assert len(paths) == 4
    contents = [path.read_bytes() for path in paths]
    paths[0].unlink()
    paths[3].unlink()
    save(paths[2], noise(7))
    contents[2] = paths[2].read_bytes()
    write_ade20k_full(ade, ['training'], num_workers=2)
    assert [path.read_bytes() for path in paths] == contents


def test_what_is_wrong_is_named(ade):
    path = ade / 'images/ADE/training/urban/street/ADE_train_1_seg.png'
    save(path, noise()[:-1])
    with pytest.raises(ValueError, match=re.escape(f'{path} is 96x63 pixels, but its image is 96x64')):
        write_ade20k_full(ade, num_workers=1)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=re.escape(f'1 files are missing, the first of them {path}')):
        write_ade20k_full(ade, num_workers=1)
    with pytest.raises(ValueError, match="'val' is not a split of ADE20K"):
        write_ade20k_full(ade, ['val'])


class Harmful:
    def __reduce__(self):
        return print, ('harm',)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ({'folder': [Harmful()], 'filename': ['a']}, 'it refers to builtins.print'),
        ({'folder': ['ADE/a', 'ADE/b'], 'filename': ['a']}, 'is not an index of ADE20K'),
        ({'folder': ['ADE/..'], 'filename': ['ADE_val_1.jpg']}, "names the file '../ADE_val_1.jpg', which"),
        ({'folder': ['ADE/a'], 'filename': ['../ADE_val_1.jpg']}, 'which is not inside'),
        ({'folder': ['ADE/a'] * 2, 'filename': ['ADE_train_1.jpg'] * 2}, r'lists ADE_train_1\.jpg twice'),
        ({'folder': [], 'filename': []}, 'lists no image of training'),
        ([], 'is not an index of ADE20K'),
    ],
)
def test_bad_index(tmp_path, content, message, capsys):
    (tmp_path / 'index_ade20k.pkl').write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match=message):
        write_ade20k_full(tmp_path, num_workers=1)
    assert 'harm' not in capsys.readouterr().out


def test_tool(ade, root, monkeypatch, capsys):
    tool = str(root / 'tools' / 'dataset_converters' / 'ade20k_full.py')
    monkeypatch.setattr('sys.argv', [tool, str(ade), '--workers', '1'])
    runpy.run_path(tool, run_name='__main__')
    assert f'Converted 3 images of {ade}' in capsys.readouterr().out


def test_subset_of_classes(ade):
    """Classes outside the subset are ignored, not taken for class 255."""
    write_ade20k_full(ade, ['training'], num_workers=1)
    classes = (CLASSES[3148], 'sky')
    sample = load(ade, metainfo={'classes': classes})[0]
    assert sample['gt_seg_map'][0, ::STRIPE].tolist() == [255, 0, 255, 255]
    many = load(ade, metainfo={'classes': list(CLASSES.values())[:300]})[0]['gt_seg_map'][0, ::STRIPE]
    assert set(many.tolist()) <= {*range(300), IGNORED}
    assert IGNORED in many


def test_sixteen_bits_survive_the_training_pipeline(ade):
    write_ade20k_full(ade, ['training'], num_workers=1)
    transforms = [
        {'type': 'RandomChoiceResize', 'scales': [128], 'resize_type': 'ResizeShortestEdge', 'max_size': 999},
        {'type': 'RandomCrop', 'crop_size': (100, 192), 'cat_max_ratio': 0.75, 'ignore_index': IGNORED},
        {'type': 'PhotoMetricDistortion'},
        {'type': 'RandomFlip', 'prob': 1.0},
        {'type': 'Pad', 'size': (256, 160), 'pad_val': {'img': 128, 'seg': IGNORED}},
        {'type': 'PackSegInputs'},
    ]
    for transform in transforms:
        transform['_scope_'] = 'mmseg'
    labels = load(ade, pipeline=transforms)[0]['data_samples'].gt_sem_seg.data[0]
    assert labels.shape == (160, 256)
    assert labels[50, :192:48].tolist() == [IGNORED, IGNORED, 846, 0]
    assert (labels[100:] == IGNORED).all()
    assert (labels[:, 192:] == IGNORED).all()


@pytest.mark.parametrize(('confused', 'expected'), [(False, 100.0), (True, 50.0)])
def test_ignored_pixels_are_not_evaluated(root, confused, expected):
    """Two classes of four pixels; wherever no class is true, anything may be predicted."""
    cfg = Config.fromfile(root / 'configs' / '_base_' / 'datasets' / 'ade20k-full_512x512.py')
    metric = METRICS.build({**cfg.val_evaluator, '_scope_': 'mmseg'})
    metric.dataset_meta = Ade20kFullDataset.METAINFO
    ground_truth = torch.tensor([[0, 0, 846, 846, IGNORED, IGNORED]])
    prediction = torch.tensor([[0, 0, 255, 255, 255, 7] if confused else [0, 0, 846, 846, 255, 7]])
    sample = {'pred_sem_seg': {'data': prediction}, 'gt_sem_seg': {'data': ground_truth}}
    metric.process({}, [sample])
    assert metric.evaluate(1)['aAcc'] == expected


def test_label_maps_of_sixteen_bits(tmp_path):
    """PNG or TIFF; zero becomes the ignored label of 16 bits; a pipeline also serves without labels."""
    sample = {'seg_map_path': str(tmp_path / 'a.png'), 'seg_fields': [], 'reduce_zero_label': True}
    cv2.imwrite(sample['seg_map_path'], np.array([[0, 1, 300, IGNORED]], np.uint16))
    loading = Compose([{'type': 'mmmaskformer.LoadAnnotations'}])
    assert loading(dict(sample))['gt_seg_map'].tolist() == [[IGNORED, 0, 299, IGNORED]]
    Image.fromarray(np.array([[0.5]], np.float32)).save(tmp_path / 'a.tif')
    with pytest.raises(ValueError, match=r'a\.tif cannot be read .*whole numbers from 0 to 65535'):
        loading({**sample, 'seg_map_path': str(tmp_path / 'a.tif')})
    assert loading({'seg_fields': []}) == {'seg_fields': []}


def test_label_maps_of_eight_bits_with_a_map_to_more(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.array([[0, 1, 2]], np.uint8))
    sample = {'seg_map_path': str(tmp_path / 'a.png'), 'seg_fields': [], 'reduce_zero_label': False}
    loading = Compose([{'type': 'mmmaskformer.LoadAnnotations'}])
    labels = loading({**sample, 'label_map': {0: IGNORED, 2: 0, 846: IGNORED}})['gt_seg_map']
    assert labels.tolist() == [[IGNORED, 1, 0]]
