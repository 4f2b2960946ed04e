import re

import cv2
import numpy as np
import pytest
import torch
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope

from mmmaskformer.datasets import LoadPanopticAnnotations, PackSegmentInputs, PadSegments
from mmmaskformer.datasets.id_maps import layer_masks

NUM_CLASSES = 5


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope('mmseg')


def segments_info(number):
    return [
        {'id': i, 'category_id': i % NUM_CLASSES, 'isthing': True, 'iscrowd': False, 'area': 1}
        for i in range(1, number + 1)
    ]


def random_sample(seed, number=12, layers=1, shape=(37, 53)):
    """Blocks of random segments, not all of them present, and an image that shows the first layer."""
    random = np.random.RandomState(seed)
    small = random.randint(0, number + 1, (6, 7, layers))
    id_map = np.stack(
        [cv2.resize(small[..., i].astype(np.int32), shape[::-1], interpolation=0) for i in range(layers)], -1
    ).astype(np.uint8 if number < 255 else np.int32)
    id_map = id_map[..., 0] if layers == 1 else id_map
    return {
        'img': np.repeat(id_map.reshape(*shape, -1)[..., :1].astype(np.uint8), 3, axis=2),
        'img_path': 'a.jpg',
        'img_shape': shape,
        'ori_shape': shape,
        'gt_seg_map': id_map,
        'seg_fields': ['gt_seg_map'],
        'segments_info': segments_info(number),
    }


def masks_of(sample):
    """The pixels of each segment, by its id: ``(S, H, W)``."""
    layers = sample['gt_seg_map'].reshape(*sample['gt_seg_map'].shape[:2], -1)
    return np.stack([(layers == s['id']).any(-1) for s in sample['segments_info']])


def packed_masks(sample):
    data = PackSegmentInputs()(sample)['data_samples']
    layers = data.gt_panoptic_seg.data
    return torch.stack([(layers == s['id']).any(0) for s in data.gt_segments_info]).numpy()


@pytest.mark.parametrize('layers', [1, 2, 4, 7])
@pytest.mark.parametrize('number', [12, 300])
@pytest.mark.parametrize('seed', range(3))
def test_flip_and_crop_commute_with_taking_segments(layers, number, seed):
    sample = random_sample(seed, number, layers)
    expected = masks_of(sample)
    flipped = Compose([{'type': 'RandomFlip', 'prob': 1.0}])(sample)
    np.testing.assert_array_equal(packed_masks(dict(flipped)), expected[:, :, ::-1])
    before = flipped['img'].copy()
    cropped = Compose([{'type': 'RandomCrop', 'crop_size': (20, 30)}])(flipped)
    places = [
        (y, x)
        for y in range(18)
        for x in range(24)
        if (before[y : y + 20, x : x + 30] == cropped['img']).all()
    ]
    masks = packed_masks(cropped)
    assert any((masks == expected[:, :, ::-1][:, y : y + 20, x : x + 30]).all() for y, x in places)


@pytest.mark.parametrize('layers', [1, 3, 7])
@pytest.mark.parametrize('seed', range(3))
def test_the_map_follows_the_image_through_every_transform(layers, seed):
    """The image shows the ids of the first layer, so it must agree with the map wherever it is flat."""
    np.random.seed(seed)
    pipeline = [
        {'type': 'RandomFlip', 'prob': 0.5},
        {
            'type': 'RandomChoiceResize',
            'scales': [60, 80],
            'resize_type': 'ResizeShortestEdge',
            'max_size': 200,
        },
        {'type': 'mmdet.RandomCrop', 'crop_type': 'absolute_range', 'crop_size': (30, 60)},
        {'type': 'RandomResize', 'scale': (160, 120), 'ratio_range': (0.8, 1.25), 'keep_ratio': True},
        {'type': 'RandomCrop', 'crop_size': (96, 128)},
        {'type': 'mmmaskformer.PadSegments', 'size': (128, 96)},
    ]
    sample = Compose(pipeline)(random_sample(seed, layers=layers))
    first = sample['gt_seg_map'].reshape(96, 128, -1)[..., 0]
    image = sample['img'][..., 0]
    around = np.ones((15, 15))
    lowest = cv2.erode(image, around, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    flat = (cv2.dilate(image, around) == lowest) & (image > 0)
    assert flat.sum() > 200
    assert (first[flat] == image[flat]).all()
    assert sample['gt_seg_map'].dtype == np.uint8


def test_overlapping_objects_keep_apart_through_resize_crop_flip_and_pad():
    masks = [np.zeros((40, 60), bool) for _ in range(9)]
    for i, mask in enumerate(masks):
        mask[10 : 30 - i, 5 + i : 50] = True
    layers = layer_masks(masks, 9, (40, 60))
    assert layers.shape == (40, 60, 9)
    sample = {**random_sample(0, 9, shape=(40, 60)), 'gt_seg_map': layers}
    pipeline = [
        {'type': 'Resize', 'scale': (120, 80)},
        {'type': 'RandomFlip', 'prob': 1.0},
        {'type': 'RandomCrop', 'crop_size': (80, 120)},
        {'type': 'mmmaskformer.PadSegments', 'size': (128, 96)},
    ]
    found = packed_masks(Compose(pipeline)(sample))
    for i, mask in enumerate(masks):
        expected = np.zeros((96, 128), bool)
        expected[:80, :120] = mask.repeat(2, 0).repeat(2, 1)[:, ::-1]
        np.testing.assert_array_equal(found[i], expected)


def test_padding_that_is_not_void():
    sample = random_sample(0)
    padded = Compose([{'type': 'Pad', 'size': (64, 64), 'pad_val': {'img': 0, 'seg': 255}}])(dict(sample))
    message = re.escape(
        'a.jpg: the map of segment ids holds 255, but there are 12 segments: a transform filled it as a '
        'label map; have it fill with 0, as pad_val=dict(seg=0) in Pad'
    )
    with pytest.raises(ValueError, match=message):
        PackSegmentInputs()(padded)
    good = Compose([{'type': 'Pad', 'size': (64, 64), 'pad_val': {'img': 0, 'seg': 0}}])(dict(sample))
    ours = PadSegments(size=(64, 64))(dict(sample))
    np.testing.assert_array_equal(good['gt_seg_map'], ours['gt_seg_map'])
    np.testing.assert_array_equal(good['img'], ours['img'])
    assert (PadSegments(size=(64, 64), img_pad_val=128)(dict(sample))['img'][37:] == 128).all()


def test_packing():
    sample = random_sample(0, layers=2)
    sample.update(img_id='ade_1', scale_factor=(2.0, 2.0), flip=True, flip_direction='horizontal')
    packed = PackSegmentInputs(with_semantic=True)(sample)
    data = packed['data_samples']
    assert packed['inputs'].shape == (3, 37, 53)
    assert (packed['inputs'].numpy() == sample['img'].transpose(2, 0, 1)).all()
    assert packed['inputs'].is_contiguous()
    assert data.gt_panoptic_seg.data.shape == (2, 37, 53)
    assert data.gt_panoptic_seg.data.is_contiguous()
    assert data.gt_segments_info == sample['segments_info']
    assert 'gt_segments_info' not in data.metainfo
    assert data.img_id == 'ade_1'
    assert data.flip
    first, second = (sample['gt_seg_map'][..., i].astype(int) for i in range(2))
    nearest = np.where(first > 0, first, second)
    expected = np.where(nearest == 0, 255, nearest % NUM_CLASSES)
    assert (data.gt_sem_seg.data[0].numpy() == expected).all()


def test_packing_without_ground_truth():
    results = {'img': np.zeros((4, 6, 3), np.uint8), 'img_path': 'a.jpg', 'img_shape': (4, 6)}
    packed = PackSegmentInputs(with_semantic=True)(LoadPanopticAnnotations()(results))
    assert packed['inputs'].shape == (3, 4, 6)
    assert 'gt_panoptic_seg' not in packed['data_samples']
    assert 'gt_sem_seg' not in packed['data_samples']


def test_flipped_maps_are_packed():
    """Flipping gives arrays with negative strides, which PyTorch does not take."""
    sample = random_sample(1)
    sample['gt_seg_map'] = sample['gt_seg_map'][:, ::-1]
    sample['img'] = sample['img'][:, ::-1]
    data = PackSegmentInputs()(sample)['data_samples']
    assert (data.gt_panoptic_seg.data[0].numpy() == sample['gt_seg_map']).all()
