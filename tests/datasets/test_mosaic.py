"""Mosaics of segments: every pixel keeps its class, every segment its own id."""

import copy
import json

import cv2
import numpy as np
import pytest
from mmengine.registry import DATASETS, init_default_scope
from small_coco import CATEGORIES, colors

from mmmaskformer.datasets import SegmentMosaic
from mmmaskformer.datasets.id_maps import merge_segments

NUM_CLASSES = 7


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope('mmseg')
    np.random.seed(0)


def segments(*classes):
    return [
        dict(id=number, category_id=label, isthing=True, iscrowd=False, area=1)
        for number, label in enumerate(classes, start=1)
    ]


def test_one_numbering_by_hand():
    maps, merged = merge_segments(
        [
            (np.array([[1, 0, 2]], np.uint8), segments(4, 5)),
            (np.array([[0, 1]], np.uint8), segments(6)),
            (np.array([[[1, 2], [0, 1]]], np.uint8), segments(4, 3)),
        ]
    )
    assert maps[0].tolist() == [[[1, 0], [0, 0], [2, 0]]]
    assert maps[1].tolist() == [[[0, 0], [3, 0]]]
    assert maps[2].tolist() == [[[4, 5], [0, 4]]]
    assert [(s['id'], s['category_id']) for s in merged] == [(1, 4), (2, 5), (3, 6), (4, 4), (5, 3)]


def test_many_segments_get_a_larger_type():
    parts = [(np.array([[100, 0]], np.uint8), segments(*range(100)))] * 4
    maps, merged = merge_segments(parts)
    assert [(m.dtype, m.tolist()) for m in maps] == [
        (np.dtype(np.int32), [[number, 0]]) for number in (100, 200, 300, 400)
    ]
    assert len(merged) == 400


def test_four_images_by_hand():
    """The images meet in the middle, at their own size: each lies whole in its corner."""
    parts = [
        dict(
            img=np.full((2, 3, 3), value, np.uint8),
            gt_seg_map=np.array([[1, 1, 0], [0, 2, 2]], np.uint8),
            segments_info=segments(value % NUM_CLASSES, 0),
            seg_fields=['gt_seg_map'],
            img_path=f'{value}.jpg',
            ori_shape=(2, 3),
            annotated_shape=(2, 3),
        )
        for value in (10, 20, 30, 40)
    ]
    mosaic = SegmentMosaic(prob=1.0, img_scale=(2, 3), center_ratio_range=(1.0, 1.0))
    results = mosaic(dict(parts[0], mix_results=parts[1:]))
    assert results['img'][..., 0].tolist() == [[10] * 3 + [20] * 3] * 2 + [[30] * 3 + [40] * 3] * 2
    assert results['gt_seg_map'].tolist() == [
        [1, 1, 0, 3, 3, 0],
        [0, 2, 2, 0, 4, 4],
        [5, 5, 0, 7, 7, 0],
        [0, 6, 6, 0, 8, 8],
    ]
    assert [s['category_id'] for s in results['segments_info']] == [3, 0, 6, 0, 2, 0, 5, 0]
    assert results['img_shape'] == results['ori_shape'] == results['annotated_shape'] == (4, 6)


def painted(seed, layers, number=9):
    """A sample whose image shows the class of every pixel of its first layer, 250 for void."""
    rng = np.random.RandomState(seed)
    height, width = rng.randint(20, 60, 2)
    blocks = rng.randint(0, number + 1, (4, 5, layers)).astype(np.uint8)
    ids = np.stack(
        [cv2.resize(blocks[..., i], (int(width), int(height)), interpolation=0) for i in range(layers)], -1
    )
    ids = ids[..., 0] if layers == 1 else ids
    info = segments(*rng.randint(0, NUM_CLASSES, number))
    return dict(
        img=np.repeat(classes_of(ids, info)[..., None], 3, axis=2),
        gt_seg_map=ids,
        segments_info=info,
        seg_fields=['gt_seg_map'],
        img_path=f'{seed}.jpg',
        ori_shape=(height, width),
    )


def classes_of(ids, info):
    table = np.full(len(info) + 1, 250, np.uint8)
    for segment in info:
        table[segment['id']] = segment['category_id']
    return table[ids if ids.ndim == 2 else ids[..., 0]]


def nearest(monkeypatch):
    """Images are resized as maps are, so that they can be compared pixel by pixel."""
    import mmcv

    resize = mmcv.imresize
    monkeypatch.setattr(
        mmcv, 'imresize', lambda image, size, **_: resize(image, size, interpolation='nearest')
    )


@pytest.mark.parametrize('layers', [(1, 1, 1, 1), (1, 3, 2, 1), (6, 1, 6, 2)])
def test_every_pixel_keeps_its_class(monkeypatch, layers):
    nearest(monkeypatch)
    mosaic = SegmentMosaic(prob=1.0, img_scale=(40, 50), pad_val=250)
    for seed in range(10):
        parts = [painted(4 * seed + place, number) for place, number in enumerate(layers)]
        results = mosaic(dict(copy.deepcopy(parts[0]), mix_results=copy.deepcopy(parts[1:])))
        ids, info = results['gt_seg_map'], results['segments_info']
        np.testing.assert_array_equal(classes_of(ids, info), results['img'][..., 0])
        assert [segment['id'] for segment in info] == list(range(1, 37))
        assert ids.shape == (80, 100, max(layers))[: ids.ndim]
        left, right = set(np.unique(ids[:, :25])), set(np.unique(ids[:, 75:]))  # of different images
        assert left & right <= {0}


@pytest.mark.parametrize('dtypes', [(np.uint8,) * 4, (np.uint8, np.int32, np.uint8, np.uint8)])
def test_label_maps_are_padded_with_the_ignored_label(monkeypatch, dtypes):
    nearest(monkeypatch)
    parts = [dict(painted(seed, 1)) for seed in range(4)]
    for part, dtype in zip(parts, dtypes):
        del part['segments_info']
        part['gt_seg_map'] = part['img'][..., 0].astype(dtype) + (300 if dtype == np.int32 else 0)
    results = SegmentMosaic(prob=1.0, img_scale=(40, 50), pad_val=255)(dict(parts[0], mix_results=parts[1:]))
    labels = results['gt_seg_map'].astype(int)
    np.testing.assert_array_equal(np.where(labels >= 300, labels - 300, labels), results['img'][..., 0])
    assert 'segments_info' not in results


@pytest.mark.parametrize('channels', [1, 2, 5])
def test_any_number_of_channels(channels):
    parts = [painted(seed, 1) for seed in range(4)]
    for part in parts:
        part['img'] = np.zeros((*part['gt_seg_map'].shape, channels), np.float32)
    results = SegmentMosaic(prob=1.0, img_scale=(40, 50))(dict(parts[0], mix_results=parts[1:]))
    assert (results['img'].shape, results['img'].dtype) == ((80, 100, channels), np.float32)


def test_no_index_is_out_of_range():
    assert {i for _ in range(200) for i in SegmentMosaic(prob=1.0).get_indices(range(2))} == {0, 1}


def test_annotations_have_to_be_loaded_before():
    part = painted(0, 1)
    del part['gt_seg_map']
    with pytest.raises(
        ValueError, match=r'the annotations of 0\.jpg are not loaded: load them in the pipeline'
    ):
        SegmentMosaic(prob=1.0)(dict(part, mix_results=[part] * 3))
    part = painted(0, 1)
    other = {key: value for key, value in painted(1, 1).items() if key != 'segments_info'}
    with pytest.raises(ValueError, match=r'only one of 1\.jpg and 0\.jpg has segments'):
        SegmentMosaic(prob=1.0)(dict(part, mix_results=[other] * 3))


def mixed_dataset(folder, mosaic):
    """Four panoptic images of two segments, in mmseg's wrapper."""
    images, annotations = [], []
    for number in range(4):
        ids = np.full((20, 30), 5, np.int64)
        ids[:, 10 + number :] = 300
        cv2.imwrite(str(folder / f'{number}.jpg'), np.zeros((20, 30, 3), np.uint8))
        cv2.imwrite(str(folder / f'{number}.png'), colors(ids))
        info = [dict(id=5, category_id=7), dict(id=300, category_id=3)]
        images.append(dict(id=number, file_name=f'{number}.jpg', height=20, width=30))
        annotations.append(dict(image_id=number, file_name=f'{number}.png', segments_info=info))
    document = dict(images=images, annotations=annotations, categories=CATEGORIES)
    (folder / 'panoptic.json').write_text(json.dumps(document))
    single = dict(
        type='mmmaskformer.CocoPanopticDataset',
        ann_file=str(folder / 'panoptic.json'),
        data_prefix=dict(img_path=str(folder), seg_map_path=str(folder)),
        pipeline=[
            dict(type='mmmaskformer.LoadImageFromFile'),
            dict(type='mmmaskformer.LoadPanopticAnnotations'),
        ],
    )
    pipeline = [mosaic, dict(type='mmmaskformer.PackSegmentInputs')]
    return DATASETS.build(dict(type='MultiImageMixDataset', dataset=single, pipeline=pipeline))


def test_in_the_wrapper_of_mmsegmentation(tmp_path):
    dataset = mixed_dataset(tmp_path, dict(type='mmmaskformer.SegmentMosaic', prob=1.0, img_scale=(20, 30)))
    for index in range(4):
        sample = dataset[index]['data_samples']
        assert sample.gt_panoptic_seg.data.shape == (1, 40, 60)
        assert [s['category_id'] for s in sample.gt_segments_info] == [0, 1] * 4


@pytest.mark.parametrize('scale', [(20, 30), (10, 16)])
def test_another_mosaic_is_noticed_in_packing_at_the_latest(tmp_path, scale):
    dataset = mixed_dataset(tmp_path, dict(type='RandomMosaic', prob=1.0, img_scale=scale, seg_pad_val=0))
    dataset.pipeline[0].get_indices = lambda dataset: [1, 2, 3]  # of mmseg's, one in five is out of range
    for index in range(4):
        with pytest.raises(
            ValueError, match=r'mixed with other images.*SegmentMosaic in the place of RandomM'
        ):
            dataset[index]
