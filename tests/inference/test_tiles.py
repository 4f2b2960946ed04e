"""Prediction in tiles against prediction of the whole image, by a model that reads masks from colors."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from color_model import CLASSES, ColorModel, draw_scene
from hypothesis import given, settings
from hypothesis import strategies as st
from inference_model import META as TINY
from inference_model import build, config, draw, same

from mmmaskformer.functional.panoptic_quality import count_panoptic, mean_quality, qualities
from mmmaskformer.functional.tiles import ScoreMixer, matched_ids, spans, tiles_of
from mmmaskformer.inference import MaskFormerInferencer


@pytest.fixture(scope='module')
def inferencer():
    return MaskFormerInferencer(ColorModel(), device='cpu')


@settings(max_examples=60, deadline=None)
@given(length=st.integers(1, 400), tile=st.integers(2, 120), share=st.floats(0, 0.49))
def test_tiles_cover_an_axis_and_weights_sum_to_one(length, tile, share):
    overlap = int(share * tile)
    found = spans(length, tile, overlap)
    weights = np.zeros(length)
    for span in found:
        assert span.start <= span.first <= span.left <= span.right <= span.last <= span.stop
        assert span.stop - span.start == min(tile, length)
        weights[span.first : span.last] += span.weights
    np.testing.assert_allclose(weights, 1, atol=1e-6)
    cuts = [span.cut for span in found]
    assert (cuts[0][0], cuts[-1][1]) == (0, length)
    assert all(before[1] == after[0] for before, after in pairwise(cuts))


def test_neighbors_share_what_was_asked_for():
    found = spans(1000, 400, 100)
    assert [(span.start, span.stop) for span in found] == [(0, 400), (300, 700), (600, 1000)]
    assert [(span.first, span.left, span.right, span.last) for span in found] == [
        (0, 0, 300, 400),
        (300, 400, 600, 700),
        (600, 700, 1000, 1000),
    ]


def test_mixed_scores_are_the_weighted_mean():
    """Every tile gives one number; in the middle of an overlap of two pixels, 1/4 and 3/4 of each."""
    mixer, mixed = ScoreMixer((6, 10)), np.zeros((1, 6, 10))
    for row in tiles_of((6, 10), (4, 6), 2):
        for tile in row:
            height, width = (part.stop - part.start for part in tile.window)
            value = 10 * tile.row + tile.column
            place, scores = mixer.add(tile, np.full((1, height, width), value, np.float32))
            mixed[:, place[0], place[1]] = scores
    ramp = np.array([0, 0, 0, 0, 0.25, 0.75, 1, 1, 1, 1])
    down = np.array([0, 0, 0.25, 0.75, 1, 1])
    np.testing.assert_allclose(mixed[0], 10 * down[:, None] + ramp, atol=1e-6)


def test_segments_match_by_their_overlap():
    one = np.array([[1, 1, 1, 2], [1, 1, 0, 2]])
    other = np.array([[7, 7, 7, 8], [7, 9, 0, 9]])
    assert list(matched_ids(one, other)) == [(1, 7)]  # 2 and 8 share one of two pixels: not more than half


@pytest.mark.parametrize(('tile', 'overlap'), [(96, None), ((64, 130), 20), (150, 60)])
def test_tiles_equal_the_whole_image(inferencer, tile, overlap):
    image = draw_scene(240, 330, 24)
    (whole,) = inferencer(image)
    inferencer.model.sizes.clear()
    (tiled,) = inferencer(image, tile=tile, overlap=overlap, batch_size=3)
    height, width = (tile, tile) if isinstance(tile, int) else tile
    assert set(inferencer.model.sizes) == {(height, width)}
    np.testing.assert_array_equal(tiled.semantic, whole.semantic)
    _check_same_segments(whole, tiled)
    pairs = zip(_by_key(whole.instances), _by_key(tiled.instances))
    for (key, mask), (other_key, other_mask) in pairs:
        assert key == other_key
        np.testing.assert_array_equal(mask, other_mask)


def _by_key(objects):
    """Objects by class and place, whose order does not depend on tiles."""
    found = [((segment.category_id, segment.bbox, segment.area), segment.mask) for segment in objects]
    return sorted(found, key=lambda item: item[0])


def _check_same_segments(whole, tiled):
    """The same segments, whatever their numbers, unless a thing in front cuts one in two."""
    pairs = np.unique(np.stack([whole.panoptic.ravel(), tiled.panoptic.ravel()]), axis=1)
    assert len(pairs[0]) == len(tiled.segments)
    sums = count_panoptic(
        whole.panoptic,
        tiled.panoptic,
        [vars(segment) for segment in whole.segments],
        [vars(segment) for segment in tiled.segments],
        len(CLASSES),
    )
    assert 100 * mean_quality(qualities(sums))[0] > 99.5


def test_a_small_image_is_predicted_whole():
    pipeline = [*config().test_pipeline[:2], dict(type='mmmaskformer.PackSegmentInputs')]
    inferencer = MaskFormerInferencer(build(), device='cpu', classes=TINY, pipeline=pipeline)
    image = draw(60, 110)
    (whole,), (tiled,) = inferencer(image), inferencer(image, tile=(60, 110))
    assert same(whole, tiled)


def test_stuff_is_one_segment_and_touching_things_are_two(inferencer):
    image = np.zeros((60, 200, 3), np.uint8)
    image[20:40, 10:100] = 1, 2, 0
    image[20:40, 100:190] = 2, 2, 0  # of the same class, touching, right where tiles meet
    (result,) = inferencer(image, tile=(60, 110), overlap=20)
    assert sorted((s.name, s.area) for s in result.segments) == [
        ('car', 1800), ('car', 1800), ('sky', 60 * 200 - 3600),
    ]  # fmt: skip
    assert len(result.instances) == 2


def test_probabilities_of_tiles(inferencer):
    (result,) = inferencer(draw_scene(100, 100, 5), tile=64, probabilities=True)
    assert result.probabilities.shape == (4, 100, 100)
    np.testing.assert_allclose(result.probabilities.astype(np.float32).sum(0), 1, atol=1e-2)
    np.testing.assert_array_equal(result.probabilities.argmax(0), result.semantic)
    assert result.confidence.min() > 0.9


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(tile=0), 'tile=0 is not a size'),
        (dict(tile=(4, 5, 6)), 'is not a size'),
        (dict(tile=64, overlap=32), 'overlap=32 does not go with tiles of 64x64'),
        (dict(overlap=32), 'overlap=32 is set without tile'),
    ],
)
def test_settings_are_checked(inferencer, options, message):
    with pytest.raises(ValueError, match=message):
        inferencer(draw_scene(100, 100, 5), **options)
