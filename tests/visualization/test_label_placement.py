"""Labels lie inside their segments."""

import cv2
import numpy as np
import pytest

from mmmaskformer.visualization.label_placement import (
    SMALLEST_LETTERS,
    box_of,
    largest_box,
    measure,
    place_inside,
    place_labels,
    write_labels,
)

HEIGHT, WIDTH = 120, 160
EVERYWHERE = (slice(0, HEIGHT), slice(0, WIDTH))


def ring():
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    distance = np.hypot(y - 60, x - 80)
    return (distance < 58) & (distance > 25)


def l_shape():
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[10:110, 5:30] = True
    mask[90:110, 5:150] = True
    return mask


def u_shape():
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[5:, 5:150] = True
    mask[:90, 50:100] = False
    return mask


@pytest.mark.parametrize('shape', [ring, l_shape, u_shape])
@pytest.mark.parametrize('text', ['cat', 'traffic'])
def test_whole_label_lies_inside(shape, text):
    mask = shape()
    label = place_inside(mask, text, 14, EVERYWHERE)
    assert mask[box_of(label)].all()
    assert label.size == 14, 'large letters fit'
    middle = tuple(int(places.mean()) for places in np.nonzero(mask))
    assert shape is u_shape or not mask[middle], 'the middle of these shapes would be a wrong place'


@pytest.mark.parametrize('shape', [ring, l_shape, u_shape])
def test_nothing_is_written_outside_of_the_mask(shape):
    mask = shape()
    paper = np.full((HEIGHT, WIDTH, 3), 127, dtype=np.uint8)
    written = (write_labels(paper, [place_inside(mask, 'gäbe', 14, EVERYWHERE)]) != paper).any(axis=2)
    assert written.sum() > 100
    assert not written[~mask].any()
    assert (paper == 127).all(), 'the image given is left alone'


def test_window_moves_the_label():
    mask = l_shape()
    moved = place_inside(mask, 'cat', 14, (slice(1000, 1120), slice(500, 660)))
    label = place_inside(mask, 'cat', 14, EVERYWHERE)
    assert (moved.x, moved.y) == (label.x + 500, label.y + 1000)


def test_letters_shrink_before_the_label_is_left_out():
    width, height = measure('horse', 12)
    fits = np.ones((height + 2, width + 2), dtype=bool)
    everywhere = (slice(0, 99), slice(0, 99))
    assert SMALLEST_LETTERS <= place_inside(fits, 'horse', 20, everywhere).size <= 12
    assert place_inside(fits[:8], 'horse', 20, everywhere) is None
    assert place_inside(fits[:, :8], 'horse', 20, everywhere) is None


@pytest.mark.parametrize('aspect', [1.0, 3.0])
def test_largest_box_of_a_rectangle(aspect):
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[20:51, 30:123] = True
    x, y, box_height = largest_box(mask, aspect, enough=1000)
    assert y == 35
    assert 28 <= box_height <= 31
    assert abs(x - 76) <= 2, 'of many places the one in the middle'


def test_narrow_segments_are_labelled_across_others_but_not_across_void():
    column = np.zeros((HEIGHT, WIDTH), dtype=bool)
    column[:, 75:87] = True
    everywhere = np.ones_like(column)
    (label,) = place_labels([(EVERYWHERE, column, 'person')], everywhere, 14)
    assert label.size == SMALLEST_LETTERS
    assert column[label.y, label.x]
    assert place_labels([(EVERYWHERE, column, 'person')], column, 14) == []
    thin = np.zeros_like(column)
    thin[:, 80:83] = True
    assert place_labels([(EVERYWHERE, thin, 'person')], everywhere, 14) == []


def test_labels_do_not_touch_each_other():
    columns = [np.zeros((HEIGHT, WIDTH), dtype=bool) for _ in range(10)]
    for number, column in enumerate(columns):
        column[:, 30 + 11 * number : 41 + 11 * number] = True
    regions = [(EVERYWHERE, column, 'person') for column in columns]
    labels = place_labels(regions, np.ones((HEIGHT, WIDTH), dtype=bool), 14)
    taken = np.zeros((HEIGHT, WIDTH), dtype=int)
    for label in labels:
        taken[box_of(label)] += 1
    assert len(labels) >= 8
    assert taken.max() == 1


def test_whole_labels_lie_inside_slanted_segments_of_many_sizes():
    rng = np.random.default_rng(0)
    num_labels = 0
    for _ in range(200):
        mask = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
        axes = tuple(int(length) for length in rng.integers(6, 60, 2))
        cv2.ellipse(mask, (80, 60), axes, int(rng.integers(180)), 0, 360, 1, -1)
        label = place_inside(mask > 0, 'person 0.87'[: rng.integers(1, 12)].strip(), 18, EVERYWHERE)
        if label:
            num_labels += 1
            assert mask[box_of(label)].all()
    assert num_labels > 80
