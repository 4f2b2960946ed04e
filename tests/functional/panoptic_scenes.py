"""Drawn id maps, and panoptic quality written out from its definition."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from mmmaskformer.functional.panoptic_quality import PanopticSums


def segments(*rows):
    """(id, category[, iscrowd]) -> segments_info."""
    keys = 'id', 'category_id', 'iscrowd'
    return [dict(zip(keys, row)) for row in rows]


def assert_equal(ours: PanopticSums, expected: PanopticSums):
    np.testing.assert_allclose(ours.iou, expected.iou, atol=1e-12)
    for name in ('tp', 'fp', 'fn'):
        assert getattr(ours, name).tolist() == getattr(expected, name).tolist(), name


def written_out(
    ground_truth, prediction, ground_truth_segments, predicted_segments, num_classes
) -> PanopticSums:
    """The definition, segment by segment."""
    iou, tp, fp, fn = np.zeros(num_classes), *np.zeros((3, num_classes), dtype=int)
    matched = set()
    for segment in ground_truth_segments:
        if segment.get('iscrowd'):
            continue
        mask = ground_truth == segment['id']
        for candidate in predicted_segments:
            other = (prediction == candidate['id']) & (ground_truth != 0)
            shared = np.sum(mask & other)
            if candidate['category_id'] == segment['category_id'] and shared / np.sum(mask | other) > 0.5:
                iou[segment['category_id']] += shared / np.sum(mask | other)
                tp[segment['category_id']] += 1
                matched.add(candidate['id'])
                break
        else:
            fn[segment['category_id']] += 1
    for candidate in predicted_segments:
        excused = ground_truth == 0
        for segment in ground_truth_segments:  # the last crowd of the class
            if segment.get('iscrowd') and segment['category_id'] == candidate['category_id']:
                excused = (ground_truth == 0) | (ground_truth == segment['id'])
        mask = prediction == candidate['id']
        if candidate['id'] not in matched and np.sum(mask & excused) / np.sum(mask) <= 0.5:
            fp[candidate['category_id']] += 1
    return PanopticSums(iou, tp, fp, fn)


@st.composite
def scenes(draw, num_classes=3):
    """Two maps of coarse blocks, partly equal, with void, crowds and unlisted true pixels."""
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    shape = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    scale = draw(st.sampled_from([1, 1, 2000]))  # small ids, and ids that need compaction
    ground_truth = rng.integers(0, draw(st.integers(1, 7)), shape)
    changed = rng.random(shape) < draw(st.sampled_from([0.0, 0.2, 0.6]))
    prediction = np.where(changed, rng.integers(0, 7, shape), ground_truth)
    true_classes, predicted_classes = rng.integers(0, num_classes, (2, 8))
    if draw(st.booleans()):
        predicted_classes = true_classes
    crowd = rng.random(8) < draw(st.sampled_from([0, 0.4]))
    listed = [i for i in range(1, 7) if (ground_truth == i).any() and rng.random() < 0.9]
    ground_truth_segments = segments(*((i * scale, true_classes[i], int(crowd[i])) for i in listed))
    found = np.setdiff1d(prediction, 0)
    return (
        ground_truth * scale,
        prediction * scale,
        ground_truth_segments,
        segments(*((i * scale, predicted_classes[i]) for i in found)),
    )


def one_crowd_each(listed):
    """The list with at most one crowd of a class: of several, panopticapi sees the last."""
    crowds = {s['category_id']: s for s in listed if s['iscrowd']}
    return [s for s in listed if not s['iscrowd']] + list(crowds.values())
