"""The visualizer draws every kind of ground truth and prediction."""

import cv2
import matplotlib
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData
from mmseg.structures import SegDataSample
from mmseg.visualization import SegLocalVisualizer
from packaging.version import Version

from mmmaskformer.visualization import SegmentVisualizer, paint_panoptic
from mmmaskformer.visualization.sheets import GAP, TITLE

CLASSES = ('sky', 'car')
PALETTE = [[70, 170, 230], [200, 40, 40]]
HEIGHT, WIDTH = 300, 400  # large enough not to be enlarged
MOVES_EDGES = Version(matplotlib.__version__) < Version('3.11')  # by a pixel, when it redraws an image
IMAGE = np.full((HEIGHT, WIDTH, 3), 90, dtype=np.uint8)


def semantic_sample():
    sample = SegDataSample()
    ground_truth = torch.zeros(1, HEIGHT, WIDTH, dtype=torch.uint8)
    ground_truth[:, HEIGHT // 2 :] = 1
    sample.gt_sem_seg = PixelData(data=ground_truth)
    sample.pred_sem_seg = PixelData(data=ground_truth.flip(1).long())
    return sample


def panoptic_sample():
    """A ground truth of two layers, and all three predictions."""
    sample = semantic_sample()
    layers = torch.zeros(2, HEIGHT, WIDTH, dtype=torch.uint8)
    layers[0, : HEIGHT // 2], layers[1, 100:200, 100:300] = 1, 2
    info = [dict(id=1, category_id=0, isthing=False), dict(id=2, category_id=1, isthing=True)]
    sample.gt_panoptic_seg, sample.gt_segments_info = PixelData(data=layers), info
    sample.pred_panoptic_seg = PixelData(data=layers[:1].int())
    sample.pred_segments_info = [dict(info[0], score=0.9)]
    sample.pred_instances = InstanceData(
        labels=torch.tensor([1, 1]),
        scores=torch.tensor([0.9, 0.2]),
        masks=torch.stack([layers[1] == 2, layers[0] == 1]),
        bboxes=torch.zeros(2, 4),
    )
    return sample


@pytest.fixture
def visualizer():
    return SegmentVisualizer(alpha=1.0, classes=CLASSES, palette=PALETTE)


def draw(visualizer, sample, path, **kwargs):
    visualizer.add_datasample('name', IMAGE, sample, out_file=str(path), **kwargs)
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


def panel(sheet, number, columns):
    row, column = divmod(number, columns)
    top, left = row * (HEIGHT + TITLE + GAP) + TITLE, column * (WIDTH + GAP)
    return sheet[top : top + HEIGHT, left : left + WIDTH]


@pytest.mark.parametrize(('draw_gt', 'draw_pred'), [(True, True), (False, True), (True, False)])
def test_semantic_samples_have_the_layout_and_colors_of_mmseg(tmp_path, draw_gt, draw_pred):
    own, mmsegs = SegmentVisualizer(alpha=0.5), SegLocalVisualizer(alpha=0.5)
    for visualizer in (own, mmsegs):
        visualizer.dataset_meta = dict(classes=CLASSES, palette=PALETTE)
    options = dict(with_labels=False, draw_gt=draw_gt, draw_pred=draw_pred)
    drawn = [
        draw(visualizer, semantic_sample(), tmp_path / 'drawn.png', **options) for visualizer in (own, mmsegs)
    ]
    assert drawn[0].shape == drawn[1].shape == (HEIGHT, WIDTH * (draw_gt + draw_pred), 3)
    inside = np.ones(drawn[0].shape[:2], dtype=bool)
    inside[HEIGHT // 2 - 1 : HEIGHT // 2 + 1] = False  # the contour
    assert np.abs(drawn[0][inside].astype(int) - drawn[1][inside]).max() <= 1  # mmseg cuts fractions off


def test_semantic_samples_without_anything_to_draw_are_the_image(tmp_path):
    visualizer = SegmentVisualizer(classes=CLASSES, palette=PALETTE)
    for sample in (SegDataSample(), None):
        assert (draw(visualizer, sample, tmp_path / 'image.png') == IMAGE).all()


@pytest.mark.parametrize('kind', ['semantic', 'panoptic'])
@pytest.mark.parametrize('channels', [1, 2, 4, 6])
@pytest.mark.parametrize('dtype', [np.uint8, np.uint16, np.float32])
def test_images_of_any_channels(visualizer, tmp_path, kind, channels, dtype):
    image = np.random.default_rng(0).integers(0, 200, (HEIGHT, WIDTH, channels)).astype(dtype)
    sample = semantic_sample() if kind == 'semantic' else panoptic_sample()
    visualizer.add_datasample('name', image, sample, out_file=str(tmp_path / 'x.png'))
    assert cv2.imread(str(tmp_path / 'x.png')).shape[1] >= 2 * WIDTH


def test_every_kind_of_ground_truth_and_prediction_is_drawn(visualizer, tmp_path):
    sheet = draw(visualizer, panoptic_sample(), tmp_path / 'new' / 'image.png', with_labels=False)
    assert sheet.shape == (2 * (HEIGHT + TITLE) + GAP, 3 * WIDTH + 2 * GAP, 3)
    redrawn = visualizer.get_image()
    assert redrawn.shape == sheet.shape
    reach = np.ones((3, 3) if MOVES_EDGES else (1, 1), np.uint8)
    assert (redrawn >= cv2.erode(sheet, reach)).all()
    assert (redrawn <= cv2.dilate(sheet, reach)).all()
    ground_truth, true_labels, panoptic, instances, semantic = (
        panel(sheet, number, 3) for number in range(5)
    )
    sky, car, nothing = [*PALETTE, [90, 90, 90]]
    for image, above, middle, below in (
        (ground_truth, sky, car, nothing),
        (true_labels, sky, sky, car),
        (panoptic, sky, sky, nothing),
        (instances, nothing, car, nothing),
        (semantic, car, car, sky),
    ):
        colors = [image[y, x].tolist() for y, x in ((20, 20), (120, 200), (250, 20))]
        assert colors == [above, middle, below]


def test_titles_stand_above_their_images(visualizer, tmp_path):
    sheet = draw(visualizer, panoptic_sample(), tmp_path / 'image.png')
    for top, number_of_titles in ((0, 3), (HEIGHT + TITLE + GAP, 2)):
        strip = sheet[top : top + TITLE]
        for column in range(number_of_titles):
            title = strip[:, column * (WIDTH + GAP) :][:, :WIDTH]
            assert 100 < (title < 128).all(axis=2).sum() < 2000


def test_ground_truth_or_prediction_alone(visualizer, tmp_path):
    sample = panoptic_sample()
    ground_truth = draw(visualizer, sample, tmp_path / 'ground_truth.png', draw_pred=False, with_labels=False)
    assert ground_truth.shape == (HEIGHT + TITLE, 2 * WIDTH + GAP, 3)
    painted = paint_panoptic(
        *(IMAGE, sample.gt_panoptic_seg.data.numpy(), sample.gt_segments_info, CLASSES, PALETTE, 1.0),
        with_labels=False,
    )
    assert (panel(ground_truth, 0, 2) == painted).all()
    predicted = draw(visualizer, sample, tmp_path / 'predicted.png', draw_gt=False)
    assert predicted.shape == (HEIGHT + TITLE, 3 * WIDTH + 2 * GAP, 3)
    neither = draw(visualizer, sample, tmp_path / 'neither.png', draw_gt=False, draw_pred=False)
    assert (neither[TITLE:] == IMAGE).all()


def test_empty_predictions(visualizer, tmp_path):
    sample = SegDataSample()
    sample.pred_panoptic_seg = PixelData(data=torch.zeros(1, HEIGHT, WIDTH, dtype=torch.int32))
    sample.pred_segments_info = []
    sample.pred_instances = InstanceData(
        labels=torch.zeros(0, dtype=torch.long),
        scores=torch.zeros(0),
        masks=torch.zeros(0, HEIGHT, WIDTH, dtype=torch.bool),
    )
    sheet = draw(visualizer, sample, tmp_path / 'image.png')
    for number in range(2):
        assert (panel(sheet, number, 2) == IMAGE).all()


def test_small_and_grey_images_are_enlarged(visualizer, tmp_path):
    sample = SegDataSample()
    sample.gt_panoptic_seg = PixelData(data=torch.ones(1, 8, 8, dtype=torch.uint8))
    sample.gt_segments_info = [dict(id=1, category_id=1, isthing=True)]
    for image in (IMAGE[:8, :8], IMAGE[:8, :8, 0]):
        visualizer.add_datasample('name', image, sample, out_file=str(tmp_path / 'image.png'))
        sheet = cv2.imread(str(tmp_path / 'image.png'))
        assert sheet.shape == (384 + TITLE, 384, 3)
        assert sheet[TITLE + 5, 5].tolist() == PALETTE[1][::-1]


def test_palette_may_be_missing_but_not_short(tmp_path):
    visualizer = SegmentVisualizer(classes=CLASSES)
    assert len(visualizer.dataset_meta['palette']) == 2
    visualizer.dataset_meta = dict(classes=CLASSES)
    first = draw(visualizer, panoptic_sample(), tmp_path / 'first.png')
    assert (draw(visualizer, panoptic_sample(), tmp_path / 'second.png') == first).all()
    visualizer.set_dataset_meta(classes=CLASSES, palette=None)  # as MMSegInferencer calls it
    assert (draw(visualizer, panoptic_sample(), tmp_path / 'second.png') == first).all()
    with pytest.raises(ValueError, match='palette has 1 colors for 2 classes'):
        visualizer.set_dataset_meta(CLASSES, PALETTE[:1])
    visualizer.dataset_meta = dict(classes=CLASSES, palette=PALETTE[:1])
    with pytest.raises(ValueError, match='palette has 1 colors for 2 classes'):
        draw(visualizer, panoptic_sample(), tmp_path / 'third.png')
