from __future__ import annotations

import pytest
import torch

from mmmaskformer.functional.targets import label_map_to_segments


def test_one_mask_for_each_class_present():
    label_map = torch.tensor([[0, 2, 255], [2, 2, 0]])
    segments = label_map_to_segments(label_map, num_classes=3)
    assert segments.labels.tolist() == [0, 2]
    assert segments.masks.int().tolist() == [[[1, 0, 0], [0, 0, 1]], [[0, 1, 0], [1, 1, 0]]]
    assert segments.valid is None


def test_masks_partition_the_labelled_pixels():
    label_map = torch.randint(0, 6, (9, 11))
    label_map[label_map == 5] = 255
    segments = label_map_to_segments(label_map, num_classes=5, mark_valid=True)
    assert torch.equal(segments.masks.sum(0), (label_map != 255).long())
    assert torch.equal(segments.valid, label_map != 255)


def test_all_ignored_gives_no_segments():
    segments = label_map_to_segments(torch.full((4, 6), 255), num_classes=3)
    assert len(segments) == 0
    assert segments.masks.shape == (0, 4, 6)


def test_an_ignored_label_may_be_any_number():
    assert label_map_to_segments(torch.tensor([[-1, 1]]), 2, ignore_index=-1).labels.tolist() == [1]


@pytest.mark.parametrize('label', [3, 200, -1])
def test_unknown_label_is_named(label):
    with pytest.raises(ValueError, match=rf'label {label} is neither a class \(0 to 2, num_classes=3\)'):
        label_map_to_segments(torch.tensor([[0, label]]), num_classes=3)
