from __future__ import annotations

import pytest
import torch

from mmmaskformer.functional.targets import id_map_to_segments, label_map_to_segments


def test_one_mask_for_each_class_present():
    label_map = torch.tensor([[0, 2, 255], [2, 2, 0]])
    segments = label_map_to_segments(label_map, num_classes=3)
    assert segments.labels.tolist() == [0, 2]
    assert segments.masks.int().tolist() == [[[1, 0, 0], [0, 0, 1]], [[0, 1, 0], [1, 1, 0]]]
    assert segments.valid is None


def test_masks_partition_the_labeled_pixels():
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


def info(**categories) -> list[dict]:
    """``info(_3=1)``: segment 3 has class 1."""
    return [dict(id=int(name[1:]), category_id=label) for name, label in categories.items()]


def test_segments_of_an_id_map():
    ids = torch.tensor([[7, 7, 0], [2, 5, 0]], dtype=torch.uint8)
    segments = id_map_to_segments(ids, info(_2=1, _7=3, _5=1, _9=0), num_classes=4, mark_valid=True)
    assert segments.labels.tolist() == [1, 3, 1]  # 9 was cut away
    assert segments.masks[1].tolist() == [[True, True, False], [False, False, False]]
    assert segments.valid.tolist() == [[True, True, False], [True, True, False]]


def test_segments_of_layers_may_overlap():
    layers = torch.tensor([[[1, 1, 0]], [[0, 2, 2]]])
    segments = id_map_to_segments(layers, info(_1=0, _2=0), num_classes=1)
    assert segments.masks.tolist() == [[[True, True, False]], [[False, True, True]]]


def test_crowds_are_no_segments():
    crowd = [dict(id=1, category_id=0, iscrowd=1), dict(id=2, category_id=0, iscrowd=0)]
    assert len(id_map_to_segments(torch.tensor([[1, 2]]), crowd, num_classes=1)) == 1
    assert len(id_map_to_segments(torch.tensor([[1, 1]]), crowd[:1], num_classes=1)) == 0


def test_segment_of_an_unknown_class():
    with pytest.raises(ValueError, match=r'segment 3 has class 4, which is none of the 4 classes'):
        id_map_to_segments(torch.tensor([[3]]), info(_3=4), num_classes=4)
