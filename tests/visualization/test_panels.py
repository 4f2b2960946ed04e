"""Panels show the right colors at the right places."""

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData
from mmseg.structures import SegDataSample

from mmmaskformer.visualization import PanelRow, SegmentRow, color_labels, draw_panels, make_row
from mmmaskformer.visualization.panels import GAP, HEADER, NO_CLASS, WRONG

CLASSES = ('left', 'right')
PALETTE = [(10, 200, 30), (200, 10, 60)]
HEIGHT, WIDTH = 40, 60


@pytest.fixture
def row():
    image = np.full((HEIGHT, WIDTH, 3), (40, 90, 160), dtype=np.uint8)
    ground_truth = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    ground_truth[:, WIDTH // 2 :] = 1
    ground_truth[: HEIGHT // 4] = 255
    prediction = np.zeros((HEIGHT, WIDTH), dtype=np.int64)
    return PanelRow(image, ground_truth, prediction)


def test_color_labels():
    painted = color_labels(np.array([[0, 1, 255, -1, 2]]), PALETTE)
    assert painted.dtype == np.uint8
    assert painted.tolist() == [[[10, 200, 30], [200, 10, 60], *[list(NO_CLASS)] * 3]]


def pixel(sheet, column, x, y, scale, line=0):
    """Color at the place (x, y), in fractions of the panel."""
    left = GAP + column * (WIDTH * scale + GAP)
    top = HEADER + line * (HEIGHT * scale + GAP)
    return sheet.getpixel((left + int(x * WIDTH * scale), top + int(y * HEIGHT * scale)))


@pytest.mark.parametrize('scale', [2, 4])
def test_panels_show_image_ground_truth_prediction_and_errors(row, scale):
    sheet = draw_panels([row], CLASSES, PALETTE, scale=scale)
    assert pixel(sheet, 0, 0.5, 0.5, scale) == (40, 90, 160)
    assert pixel(sheet, 1, 0.25, 0.75, scale) == PALETTE[0]
    assert pixel(sheet, 1, 0.75, 0.75, scale) == PALETTE[1]
    assert pixel(sheet, 1, 0.75, 0.1, scale) == NO_CLASS
    assert pixel(sheet, 2, 0.75, 0.75, scale) == PALETTE[0]
    assert pixel(sheet, 3, 0.75, 0.75, scale) == WRONG
    right, unlabelled = pixel(sheet, 3, 0.25, 0.75, scale), pixel(sheet, 3, 0.75, 0.1, scale)
    assert right == unlabelled != WRONG


def test_rows_come_below_each_other(row):
    turned = PanelRow(row.image, row.ground_truth, np.ones_like(row.prediction))
    sheet = draw_panels([row, turned], CLASSES, PALETTE)
    assert pixel(sheet, 2, 0.5, 0.5, 2, line=0) == PALETTE[0]
    assert pixel(sheet, 2, 0.5, 0.5, 2, line=1) == PALETTE[1]


def test_legend_names_every_class_within_the_sheet(row):
    names = [f'a class with a long name {number}' for number in range(12)]
    palette = [(20 * number, 255 - 20 * number, 17) for number in range(12)]
    sheet = np.array(draw_panels([row], names, palette))
    legend = sheet[HEADER + 2 * HEIGHT + GAP :].reshape(-1, 3)
    for color in [*palette, WRONG]:
        swatch = (legend == color).all(axis=1).sum()
        assert swatch >= 20 * 13, color


def test_error_messages(row):
    with pytest.raises(ValueError, match='rows is empty'):
        draw_panels([], CLASSES, PALETTE)
    with pytest.raises(ValueError, match='3 colors for 2 classes'):
        draw_panels([row], CLASSES, [*PALETTE, (0, 0, 1)])
    with pytest.raises(ValueError, match='of one size'):
        draw_panels([row._replace(ground_truth=row.ground_truth[:5])], CLASSES, PALETTE)


def predicted_sample(panoptic=True):
    """Left half of class 0, right half an instance of class 1; all is predicted as class 0."""
    sample = SegDataSample()
    ground_truth = torch.ones(1, HEIGHT, WIDTH, dtype=torch.uint8)
    ground_truth[..., WIDTH // 2 :] = 2
    sample.gt_sem_seg = PixelData(data=ground_truth - 1)
    sample.pred_sem_seg = PixelData(data=torch.zeros(1, HEIGHT, WIDTH, dtype=torch.long))
    if panoptic:
        info = [dict(id=1, category_id=0, isthing=False), dict(id=2, category_id=1, isthing=True)]
        sample.gt_panoptic_seg, sample.gt_segments_info = PixelData(data=ground_truth), info
        sample.pred_panoptic_seg = PixelData(data=torch.ones(1, HEIGHT, WIDTH, dtype=torch.int32))
        sample.pred_segments_info = info[:1]
        sample.pred_instances = InstanceData(
            labels=torch.tensor([1, 0]),
            scores=torch.tensor([0.9, 0.1]),
            masks=torch.cat([ground_truth == 2] * 2),
        )
    return sample


def mixed(color):
    """The color painted over the image."""
    return tuple(round(0.4 * base + 0.6 * color_value) for base, color_value in zip((40, 90, 160), color))


def test_a_sample_with_panoptic_ground_truth_gives_panels_of_all_predictions(row):
    made = make_row(row.image, predicted_sample())
    assert isinstance(made, SegmentRow)
    assert len(made.instances.labels) == 1, 'the other one has a low score'
    sheet = draw_panels([made], CLASSES, PALETTE)
    assert sheet.width == 5 * (2 * WIDTH + GAP) + GAP
    left, right = mixed(PALETTE[0]), mixed(PALETTE[1])
    places = [(0.1, 0.1), (0.9, 0.1)]
    colors = [tuple(pixel(sheet, column, *place, 2) for place in places) for column in range(5)]
    image = (40, 90, 160)
    assert colors == [(image, image), (left, right), (left, left), (image, right), (left, left)]


def test_other_samples_give_semantic_panels(row):
    made = make_row(row.image, predicted_sample(panoptic=False))
    assert isinstance(made, PanelRow)
    assert (made.prediction == 0).all()
    assert made.ground_truth[0, -1] == 1
    with pytest.raises(ValueError, match='panels need gt_panoptic_seg, or gt_sem_seg and pred_sem_seg'):
        make_row(row.image, SegDataSample())


def test_columns_of_predictions_that_are_not_made_are_left_out(row):
    full = make_row(row.image, predicted_sample())
    bare = full._replace(instances=None, semantic=None)
    assert draw_panels([bare], CLASSES, PALETTE).width == 3 * (2 * WIDTH + GAP) + GAP
    with pytest.raises(ValueError, match='All rows must have the same panels'):
        draw_panels([full, bare], CLASSES, PALETTE)
    with pytest.raises(ValueError, match='of one size'):
        draw_panels([full._replace(semantic=full.semantic[:7])], CLASSES, PALETTE)
