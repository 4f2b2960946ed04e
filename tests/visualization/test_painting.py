"""Segments have the colors of their classes and contours where ids change; void stays as it is."""

import numpy as np
import pytest

from mmmaskformer.visualization import paint_instances, paint_panoptic, paint_semantic
from mmmaskformer.visualization.colors import line_color, shade

CLASSES = ('sky', 'car', 'straße 道路')
PALETTE = [(70, 170, 230), (200, 40, 40), (120, 120, 120)]
GREY = 90
STUFF, THING = dict(isthing=False), dict(isthing=True)


def image(height=60, width=90):
    return np.full((height, width, 3), GREY, dtype=np.uint8)


@pytest.fixture
def scene():
    """Sky above; below it two cars side by side, then void."""
    ids = np.zeros((60, 90), dtype=np.uint8)
    ids[:20] = 1
    ids[20:50, :30] = 2
    ids[20:50, 30:60] = 7
    info = [dict(id=1, category_id=0, **STUFF), *(dict(id=i, category_id=1, **THING) for i in (2, 7))]
    return ids, info


def paint(scene, alpha=1.0, **kwargs):
    return paint_panoptic(image(), *scene, CLASSES, PALETTE, alpha, with_labels=False, **kwargs)


def test_classes_have_their_colors_and_instances_differ(scene):
    painted = paint(scene)
    assert painted[10, 10].tolist() == list(PALETTE[0])
    assert painted[30, 10].tolist() == list(PALETTE[1]) == list(shade(PALETTE[1], 0))
    assert painted[30, 45].tolist() == list(shade(PALETTE[1], 1)) != list(PALETTE[1])


def test_colors_do_not_depend_on_ids_or_on_the_order_of_segments(scene):
    ids, info = scene
    renamed = np.array([0, 5, 9, 0, 0, 0, 0, 3])[ids]
    names = {1: 5, 2: 9, 7: 3}
    renamed_info = [{**segment, 'id': names[segment['id']]} for segment in reversed(info)]
    assert (paint((renamed, renamed_info)) == paint(scene)).all()


def test_colors_of_classes_are_stable_between_images(scene):
    only_car = np.full((60, 90), 4, dtype=np.int32)
    assert paint((only_car, [dict(id=4, category_id=1, **THING)]))[30, 45].tolist() == list(PALETTE[1])


def test_alpha_mixes_with_the_image(scene):
    assert paint(scene, alpha=0.25)[10, 10].tolist() == [85, 110, 125]  # 0.75 * 90 + 0.25 * color


def test_contours_lie_where_ids_change_and_void_is_left_alone(scene):
    ids = scene[0]
    painted = paint(scene)
    assert (painted[ids == 0] == GREY).all()
    edges = np.zeros(ids.shape, dtype=bool)
    edges[:, 1:] |= ids[:, 1:] != ids[:, :-1]
    edges[:, :-1] |= ids[:, 1:] != ids[:, :-1]
    edges[1:] |= ids[1:] != ids[:-1]
    edges[:-1] |= ids[1:] != ids[:-1]
    shades = {1: PALETTE[0], 2: PALETTE[1], 7: shade(PALETTE[1], 1)}
    for identity, color in shades.items():
        inside = ids == identity
        assert (painted[inside & edges] == line_color(color)).all()
        assert (painted[inside & ~edges] == color).all()


def test_a_segment_that_fills_the_image_has_no_contour():
    painted = paint((np.ones((60, 90), dtype=int), [dict(id=1, category_id=0, **STUFF)]))
    assert (painted == PALETTE[0]).all()


def test_labels_lie_inside_their_segments(scene):
    ids, info = scene
    plain, labelled = (
        paint_panoptic(image(), *scene, CLASSES, PALETTE, 1.0, with_labels=with_labels, scale=2)
        for with_labels in (False, True)
    )
    written = (plain != labelled).any(axis=2)
    large = ids.repeat(2, 0).repeat(2, 1)
    for segment in info:
        assert written[large == segment['id']].sum() > 50
    assert not written[large == 0].any()


def test_layers_of_overlapping_segments_are_all_seen():
    layers = np.zeros((2, 60, 90), dtype=np.int32)
    layers[0, 5:55, 5:85] = 1
    layers[1, 20:40, 30:60] = 2
    info = [dict(id=1, category_id=1, **THING), dict(id=2, category_id=2, **THING)]
    for stack in (layers, layers[::-1]):
        painted = paint((stack, info))
        assert painted[10, 10].tolist() == list(PALETTE[1])
        assert painted[30, 45].tolist() == list(PALETTE[2]), 'the small one lies on the large one'


def test_instances_are_painted_with_scores_and_overlaps():
    masks = np.zeros((3, 60, 90), dtype=bool)
    masks[0, 5:55, 5:85] = True
    masks[1, 20:40, 30:60] = True
    arguments = (image(), np.array([1, 2, 0]), masks, CLASSES, PALETTE, 1.0)
    painted = paint_instances(*arguments, with_labels=False)
    assert painted[10, 10].tolist() == list(PALETTE[1])
    assert painted[30, 45].tolist() == list(PALETTE[2])
    assert (painted[~masks.any(axis=0)] == GREY).all()
    by_score = [
        paint_instances(*arguments, scores=np.array(scores), scale=2) for scores in ([0.9] * 3, [0.1] * 3)
    ]
    assert (by_score[0] != by_score[1]).any()


def test_semantic_maps_are_painted_without_shades():
    labels = np.full((60, 90), 255, dtype=np.uint8)
    labels[:30], labels[40:, :20] = 2, 2
    painted = paint_semantic(image(), labels, CLASSES, PALETTE, 1.0, with_labels=False)
    assert painted[10, 10].tolist() == painted[50, 10].tolist() == list(PALETTE[2])
    assert (painted[labels == 255] == GREY).all()


def test_nothing_to_paint(scene):
    nothing = image()
    assert (paint_panoptic(nothing, np.zeros((60, 90), int), [], CLASSES, PALETTE) == GREY).all()
    none = np.zeros((0, 60, 90), dtype=bool)
    assert (paint_instances(nothing, np.zeros(0, int), none, CLASSES, scores=np.zeros(0)) == GREY).all()
    vanished = [*scene[1], dict(id=99, category_id=2, **THING)]
    assert (paint((scene[0], vanished)) == paint(scene)).all()


def test_three_hundred_segments():
    ids = (np.arange(240)[:, None] // 16 * 20 + np.arange(320) // 16 + 1).astype(np.uint16)
    info = [dict(id=i, category_id=i % 3, **THING) for i in range(1, 301)]
    painted = paint_panoptic(image(240, 320), ids, info, CLASSES, PALETTE, 1.0)
    middles = painted[8::16, 8::16].reshape(-1, 3)
    assert len(np.unique(middles, axis=0)) >= 36  # 12 shades of each class


@pytest.mark.parametrize('size', [(8, 8), (1, 1), (1, 300), (300, 1)], ids=str)
@pytest.mark.parametrize('scale', [1, 3])
def test_tiny_images(size, scale):
    ids = np.ones(size, dtype=np.uint8)
    ids[-1, -1] = 2
    info = [dict(id=1, category_id=0, **STUFF), dict(id=2, category_id=2, **THING)]
    painted = paint_panoptic(image(*size), ids, info, CLASSES, scale=scale)
    assert painted.shape == (size[0] * scale, size[1] * scale, 3)


@pytest.mark.parametrize('grey', [image()[..., 0], image()[..., :1], image()[:, ::-1, ::-1]])
def test_grey_and_mirrored_images(scene, grey):
    painted = paint_panoptic(grey, *scene, CLASSES, PALETTE, 1.0, with_labels=False)
    assert (painted == paint(scene)).all()


def test_odd_class_names(scene):
    for name in ('', ' ', 'two\nlines', 'straße', '自行车', '🚲', 'x' * 300):
        paint_panoptic(image(), *scene, ('sky', name, 'road'), PALETTE)


def test_error_messages(scene):
    ids, info = scene
    with pytest.raises(ValueError, match='palette has 2 colors for 3 classes'):
        paint_panoptic(image(), ids, info, CLASSES, PALETTE[:2])
    with pytest.raises(ValueError, match='holds segment 7, which segments_info does not describe'):
        paint((ids, info[:2]))
    with pytest.raises(ValueError, match='class index 17, but there are 3 classes'):
        paint((ids, [*info[:2], dict(id=7, category_id=17, **THING)]))
    with pytest.raises(ValueError, match='image is 90x60 pixels, but its id map 80x60'):
        paint((ids[:, :80], info))
    with pytest.raises(ValueError, match='image is 90x60 pixels, but its masks 90x50'):
        paint_instances(image(), np.array([1]), np.ones((1, 50, 90), bool), CLASSES)
    with pytest.raises(ValueError, match=r'float32 of shape \(60,\)'):
        paint_panoptic(np.zeros(60, np.float32), ids, info, CLASSES)
