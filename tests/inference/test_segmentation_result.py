"""Results of hand-made samples."""

from __future__ import annotations

import cv2
import mmcv
import numpy as np
import pytest
import torch
from inference_model import META, draw
from mmengine.structures import InstanceData, PixelData
from mmseg.structures import SegDataSample

from mmmaskformer.inference.model_loading import choose_meta
from mmmaskformer.inference.result_segments import Classes, box_of, packed
from mmmaskformer.inference.segmentation_result import SegmentationResult
from mmmaskformer.inference.sources import InputImage
from mmmaskformer.visualization import paint_instances, paint_panoptic, paint_semantic

LABELS = torch.tensor([[0, 0, 3, 3, 3], [0, 1, 1, 3, 3], [0, 1, 1, 3, 3]])
IDS = torch.tensor([[0, 0, 2, 2, 2], [0, 1, 1, 2, 2], [0, 1, 1, 2, 2]], dtype=torch.int32)
INFO = [
    dict(id=1, category_id=1, isthing=True, score=0.75),
    dict(id=2, category_id=3, isthing=False, score=0.5),
]


def result(sample: SegDataSample, meta: dict = META, size=(3, 5), **fields) -> SegmentationResult:
    return SegmentationResult(InputImage('x'), size, Classes.from_meta(meta), **fields).take(sample)


def full_sample(scale: int = 1) -> SegDataSample:
    masks = torch.stack([IDS == 1, (IDS > 0) & (LABELS == 3), IDS == 9])
    wide = [
        torch.from_numpy(np.kron(m.numpy(), np.ones((scale, scale), m.numpy().dtype))) for m in (LABELS, IDS)
    ]
    masks = torch.from_numpy(np.kron(masks.numpy(), np.ones((1, scale, scale), bool)))
    instances = InstanceData(
        labels=torch.tensor([1, 2, 1]), scores=torch.tensor([0.9, 0.4, 0.3]), masks=masks
    )
    return SegDataSample(
        pred_sem_seg=PixelData(data=wide[0][None]),
        pred_panoptic_seg=PixelData(data=wide[1][None]),
        pred_segments_info=INFO,
        pred_instances=instances,
    )


def test_segments_instances_and_regions():
    prediction = result(full_sample())
    assert prediction.segments.names == prediction.classes == ['car', 'sky']
    assert [s.bbox for s in prediction.segments] == [(1, 1, 3, 3), (2, 0, 5, 3)]
    assert [s.area for s in prediction.segments] == [4, 7]
    assert prediction.scores.tolist() == [0.75, 0.5]
    assert prediction.instances.names == ['car', 'tree', 'car']
    assert prediction.instances.bboxes.tolist() == [[1, 1, 3, 3], [2, 0, 5, 3], [0, 0, 0, 0]]
    assert prediction.instances.masks.sum((1, 2)).tolist() == [4, 7, 0]
    assert [(r.id, r.name, r.area, r.score) for r in prediction.regions] == [
        (1, 'road', 4, None),
        (2, 'car', 4, None),
        (4, 'sky', 7, None),
    ]
    entry = prediction.to_json()['instances'][0]
    assert entry['bbox'] == [1, 1, 2, 2]
    assert entry['segmentation'] == dict(size=[3, 5], counts=entry['segmentation']['counts'])


def test_empty_sample():
    prediction = result(SegDataSample())
    assert (prediction.masks.shape, prediction.classes, prediction.scores.shape) == ((0, 3, 5), [], (0,))
    assert set(prediction.to_json()) == {'name', 'path', 'frame', 'height', 'width'}


def test_a_single_class():
    one = SegDataSample(pred_sem_seg=PixelData(data=torch.tensor([[[255, 0, 0]]])))
    prediction = result(one, dict(classes=['leaf']), (1, 3))
    assert prediction.semantic.tolist() == [[255, 0, 0]]
    assert [(r.name, r.area) for r in prediction.regions] == [('leaf', 2)]


def test_many_classes_need_16_bits():
    labels = SegDataSample(pred_sem_seg=PixelData(data=torch.tensor([[[0, 299]]])))
    prediction = result(labels, dict(classes=[str(i) for i in range(300)]), (1, 2))
    assert (prediction.semantic.dtype, prediction.semantic.tolist()) == (np.uint16, [[0, 299]])


def test_packed_masks():
    random = np.random.RandomState(0)
    for _ in range(50):
        mask = np.zeros(random.randint(1, 12, 2), dtype=bool)
        if random.rand() < 0.8:
            top, left = random.randint(0, mask.shape[0]), random.randint(0, mask.shape[1])
            mask[top:, left : left + 5] = random.rand(*mask[top:, left : left + 5].shape) < 0.5
        unpacked = packed(mask)()
        assert unpacked.dtype == bool
        assert np.array_equal(unpacked, mask)
        left, top, right, bottom = box_of(mask)
        assert mask[top:bottom, left:right].sum() == mask.sum()
    assert len(packed(np.ones((1000, 1000), bool)).args[0]) == 125_000


def test_drawing():
    input_image = draw(60, 100)
    full, rgb, size = full_sample(20), mmcv.bgr2rgb(input_image), (60, 100)
    style = dict(classes=META['classes'], palette=META['palette'], alpha=0.6)
    instances = full.pred_instances.numpy()
    expected = dict(
        pred_sem_seg=paint_semantic(rgb, full.pred_sem_seg.data[0].numpy(), **style),
        pred_panoptic_seg=paint_panoptic(rgb, full.pred_panoptic_seg.data[0].numpy(), INFO, **style),
        pred_instances=paint_instances(
            rgb, instances.labels[:1], instances.masks[:1], scores=instances.scores[:1], **style
        ),
    )
    for key, painted in expected.items():
        sample = SegDataSample(pred_segments_info=INFO, **{key: full.get(key)})
        assert np.array_equal(result(sample, size=size).draw(input_image), mmcv.rgb2bgr(painted)), key
    sheet = result(full, size=size, image=input_image).draw()
    assert sheet.shape[1] > 3 * 100
    assert np.array_equal(result(full, size=size).draw(input_image, with_labels=True), sheet)
    with pytest.raises(ValueError, match=r'is 5x3 pixels, but the result of x 100x60'):
        result(full, size=size).draw(np.zeros((3, 5), np.uint8))
    with pytest.raises(ValueError, match='was not stored'):
        result(full, size=size).draw()


def test_the_file_is_read_again(tmp_path):
    cv2.imwrite(str(tmp_path / 'x.png'), draw(60, 100))
    prediction = result(full_sample(20), size=(60, 100))
    expected = prediction.draw(draw(60, 100))
    prediction.input_image.path = str(tmp_path / 'x.png')
    assert np.array_equal(prediction.draw(), expected)


def test_where_classes_come_from():
    model = torch.nn.Module()
    model.num_classes = 2
    two_classes = dict(classes=['a', 'b'], palette=[[1, 1, 1], [2, 2, 2]])
    three_classes = dict(classes=['c'] * 3)
    assert choose_meta(model, [None, three_classes, two_classes])['classes'] == ('a', 'b')
    merged = choose_meta(
        model, [dict(thing_classes=['b']), two_classes, dict(classes=['a', 'b'], palette=[])]
    )
    assert (merged['thing_classes'], merged['palette']) == (['b'], two_classes['palette'])
    renamed = choose_meta(model, [dict(classes=['x', 'y']), two_classes])
    assert renamed == dict(classes=('x', 'y'))
    assert choose_meta(model, [None, {}])['classes'] == ('class 0', 'class 1')
    with pytest.raises(ValueError, match='3 class names were given, but the model has 2'):
        choose_meta(model, [three_classes, two_classes])
