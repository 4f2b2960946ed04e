"""What holds of targets whatever the maps."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmmaskformer.datasets.id_maps import layer_masks, number_segments
from mmmaskformer.functional.targets import id_map_to_segments, label_map_to_segments

NUM_CLASSES = 4


@st.composite
def id_maps(draw):
    """A map ``(H, W)`` of ids 0 to 6, and the list of its segments, of which one may lack pixels."""
    shape = draw(st.tuples(st.integers(1, 8), st.integers(1, 8)))
    flat = draw(st.lists(st.integers(0, 6), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]))
    classes = draw(st.lists(st.integers(0, NUM_CLASSES - 1), min_size=7, max_size=7))
    crowds = draw(st.lists(st.booleans(), min_size=7, max_size=7))
    segments = [dict(id=i, category_id=classes[i], iscrowd=crowds[i]) for i in range(1, 7)]
    return torch.tensor(flat).reshape(shape), segments


def as_set(segments):
    """Segments without their order: what the loss sees."""
    rows = zip(segments.labels.tolist(), segments.masks.flatten(1).tolist())
    return sorted((label, tuple(mask)) for label, mask in rows)


@settings(max_examples=150, deadline=None)
@given(id_maps())
def test_segments_part_the_pixels_that_are_neither_void_nor_crowd(scene):
    ids, listed = scene
    segments = id_map_to_segments(ids, listed, NUM_CLASSES, mark_valid=True)
    crowds = [s['id'] for s in listed if s['iscrowd']]
    wanted = (ids != 0) & ~torch.isin(ids, torch.tensor(crowds, dtype=ids.dtype))
    assert torch.equal(segments.masks.sum(0), wanted.long())
    assert torch.equal(segments.valid, wanted)
    assert len(segments) == len(ids[wanted].unique())
    assert segments.masks.flatten(1).any(1).all()


@settings(max_examples=150, deadline=None)
@given(id_maps(), st.permutations(range(1, 7)), st.randoms(use_true_random=False))
def test_ids_and_their_order_are_only_names(scene, names, random):
    ids, listed = scene
    renamed = torch.tensor([0, *names])[ids]
    others = [{**s, 'id': names[s['id'] - 1]} for s in listed]
    random.shuffle(others)
    expected = as_set(id_map_to_segments(ids, listed, NUM_CLASSES))
    assert as_set(id_map_to_segments(renamed, others, NUM_CLASSES)) == expected


@settings(max_examples=100, deadline=None)
@given(id_maps(), st.lists(st.integers(1, 2**24 - 1), min_size=6, max_size=6, unique=True))
def test_colors_on_disk_are_only_names(scene, names):
    """From the PNG of COCO's format to the numbers of the training map."""
    ids = scene[0]
    stored = np.array([0, *names])[ids.numpy()]
    colors = np.stack([stored >> 16 & 255, stored >> 8 & 255, stored & 255], -1).astype(np.uint8)
    numbered = torch.from_numpy(number_segments(colors, names).astype(np.int64))
    assert torch.equal(numbered, ids)


@settings(max_examples=100, deadline=None)
@given(id_maps(), st.sampled_from([4, 17, 255]))
def test_a_label_map_is_an_id_map_with_a_segment_for_each_class(scene, ignored):
    labels = scene[0] - 1  # -1: void
    labels = torch.where((labels < 0) | (labels >= NUM_CLASSES), ignored, labels)
    listed = [dict(id=i + 1, category_id=i) for i in range(NUM_CLASSES)]
    ids = torch.where(labels == ignored, 0, labels + 1)
    ours = label_map_to_segments(labels, NUM_CLASSES, ignored, mark_valid=True)
    other = id_map_to_segments(ids, listed, NUM_CLASSES, mark_valid=True)
    assert as_set(ours) == as_set(other)
    assert torch.equal(ours.valid, other.valid)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 7), st.sampled_from([0.05, 0.3, 0.9]))
def test_layers_keep_every_mask(seed, number, density):
    masks = np.random.default_rng(seed).random((number, 5, 6)) < density
    layers = layer_masks(iter(masks), number, (5, 6)).reshape(5, 6, -1)
    kept = [(layers == i + 1).any(-1) for i in range(number)]
    assert np.array_equal(np.reshape(kept, masks.shape), masks)
    listed = [dict(id=i + 1, category_id=0) for i in range(number)]
    segments = id_map_to_segments(torch.from_numpy(layers.copy()).permute(2, 0, 1), listed, 1)
    assert torch.equal(segments.masks, torch.from_numpy(masks[masks.any((1, 2))]))
