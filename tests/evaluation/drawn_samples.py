"""Samples as the metrics get them, with drawn ground truth and predictions."""

from __future__ import annotations

import numpy as np
import torch
from mmengine.structures import InstanceData, PixelData
from mmseg.structures import SegDataSample

import mmmaskformer  # noqa: F401  (before mmdet, which cannot be imported without it)

# Stuff stands among the things, and the ids in files are sparse.
META = dict(
    classes=('sky', 'car', 'road', 'person', 'tree'),
    thing_classes=('person', 'car'),
    category_ids=(40, 7, 90, 1, 22),
    palette=[[i, i, i] for i in range(5)],
)
IS_THING = [name in META['thing_classes'] for name in META['classes']]


def cells(seed: int, num_segments: int, shape: tuple[int, int]) -> np.ndarray:
    """A map of 1..S: every pixel belongs to the nearest of some random points."""
    rng = np.random.default_rng(seed)
    rows, columns = (rng.integers(0, side, num_segments) for side in shape)
    y, x = np.mgrid[: shape[0], : shape[1]]
    return np.argmin((y[..., None] - rows) ** 2 + (x[..., None] - columns) ** 2, axis=-1) + 1


def listed(ids: np.ndarray, classes: np.ndarray, **extra: object) -> list[dict]:
    """Segments of a map, the class of segment i being classes[i]."""
    return [
        dict(id=i, category_id=int(classes[i]), isthing=IS_THING[classes[i]], **extra)
        for i in np.setdiff1d(ids, 0).tolist()
    ]


def draw_sample(number: int, shape: tuple[int, int] = (24, 32), num_segments: int = 8) -> SegDataSample:
    """Ground truth with void and a crowd; a prediction that moves borders, and confuses a class."""
    rng = np.random.default_rng(number)
    ground_truth = cells(number, num_segments, shape)
    classes = rng.integers(0, 5, num_segments + 1)
    segments = listed(ground_truth, classes, iscrowd=0)
    for segment in segments:
        segment['area'] = int((ground_truth == segment['id']).sum())
    segments[0].update(category_id=1, isthing=True, iscrowd=1)
    classes[segments[0]['id']] = 1
    prediction = np.roll(ground_truth, rng.integers(0, 4), axis=1)
    guessed = np.where(rng.random(num_segments + 1) < 0.2, rng.integers(0, 5), classes)
    ground_truth = np.where(cells(number + 1000, 12, shape) == 1, 0, ground_truth)
    prediction[:2] = 0
    return pack_sample(number, ground_truth, segments, prediction, listed(prediction, guessed, score=0.9))


def pack_sample(
    number: int,
    ground_truth: np.ndarray,
    segments: list[dict],
    prediction: np.ndarray,
    predicted_segments: list[dict],
) -> SegDataSample:
    """A sample with all kinds of ground truth and predictions."""
    classes_of_ground_truth = np.full(ground_truth.max() + 1, 255)
    for segment in segments:
        classes_of_ground_truth[segment['id']] = segment['category_id']
    classes_of_prediction = np.zeros(prediction.max() + 1, dtype=int)
    for segment in predicted_segments:
        classes_of_prediction[segment['id']] = segment['category_id']
    things = [segment for segment in predicted_segments if segment['isthing']]
    masks = np.stack([prediction == segment['id'] for segment in things] or [np.zeros_like(ground_truth)]) > 0
    sample = SegDataSample(
        metainfo=dict(img_id=number, img_path=f'folder/{number:06d}.jpg', ori_shape=ground_truth.shape[-2:])
    )
    sample.set_data(
        dict(
            gt_panoptic_seg=PixelData(data=torch.from_numpy(ground_truth.astype(np.uint8))[None]),
            gt_segments_info=segments,
            gt_sem_seg=PixelData(
                data=torch.from_numpy(classes_of_ground_truth[ground_truth].astype(np.uint8))[None]
            ),
            pred_panoptic_seg=PixelData(data=torch.from_numpy(prediction.astype(np.int32))[None]),
            pred_segments_info=predicted_segments,
            pred_sem_seg=PixelData(data=torch.from_numpy(classes_of_prediction[prediction])[None]),
            pred_instances=InstanceData(
                labels=torch.tensor([segment['category_id'] for segment in things], dtype=torch.int64),
                scores=torch.linspace(0.9, 0.1, len(things)),
                masks=torch.from_numpy(masks[: len(things)]),
            ),
        )
    )
    return sample


def evaluate(metric, samples, meta: dict = META) -> dict:
    """Results of the metric for a list of samples."""
    metric.dataset_meta = meta
    for sample in samples:
        metric.process({}, [sample.to_dict()])
    return metric.evaluate(len(samples))


def box(top: int, left: int, height: int, width: int, shape=(128, 128)) -> torch.Tensor:
    mask = torch.zeros(shape, dtype=torch.bool)
    mask[top : top + height, left : left + width] = True
    return mask


def objects(number: int, ground_truth: list, detections: list, shape=(128, 128)) -> SegDataSample:
    """Sample of ground truth (mask, class, crowd) and detections (mask, class, score); masks may overlap."""
    sample = SegDataSample(metainfo=dict(img_id=number, img_path=f'{number}.jpg', ori_shape=shape))
    layers = torch.stack([mask * i for i, (mask, *_) in enumerate(ground_truth, 1)] or [torch.zeros(shape)])
    segments = [
        dict(id=i, category_id=c, isthing=True, iscrowd=crowd, area=int(mask.sum()))
        for i, (mask, c, crowd) in enumerate(ground_truth, 1)
    ]
    masks, labels, scores = zip(*detections) if detections else ((), (), ())
    predicted = InstanceData(
        masks=torch.stack(masks) if detections else torch.zeros(0, *shape, dtype=torch.bool),
        labels=torch.tensor(labels, dtype=torch.int64),
        scores=torch.tensor(scores, dtype=torch.float32),
    )
    sample.set_data(
        dict(
            gt_panoptic_seg=PixelData(data=layers.int()), gt_segments_info=segments, pred_instances=predicted
        )
    )
    return sample


def average_precisions(metrics: dict) -> list[float]:
    """The values of InstanceAP, whose names are these."""
    assert tuple(metrics) == ('AP', 'AP50', 'AP75', 'AP_small', 'AP_medium', 'AP_large')
    return list(metrics.values())
