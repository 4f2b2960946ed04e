"""One class: a label map holds 0 where the class is and the ignored label elsewhere, at every exit.

The image is 64x96, its left half labelled and the rest void. A prediction finds the class in the upper rows
of the whole width: with three quarters of the rows, 48 * 48 of the 64 * 48 labelled pixels are found, and
48 * 48 void ones beside them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import PixelData
from mmseg.apis import inference_model
from mmseg.evaluation import IoUMetric
from mmseg.models.segmentors.seg_tta import SegTTAModel
from mmseg.structures import SegDataSample

from mmmaskformer.apis import MaskFormerInferencer, evaluate_model
from mmmaskformer.evaluation import ClassIoU, SemanticPanopticQuality
from mmmaskformer.models import MaskFormerTTAModel
from mmmaskformer.models.decode_heads import MaskFormerHead
from mmmaskformer.structures import MaskPrediction
from mmmaskformer.visualization import SegmentVisualizer

sys.path.insert(0, str(Path(__file__).parent / 'models'))

from small_models import HEAD, small_model

HEIGHT, WIDTH, VOID = 64, 96, 255
FOUND = {'everything': 1.0, 'three quarters': 0.75, 'half': 0.5, 'nothing': 0.0}
IOU = {'everything': 100.0, 'three quarters': 75.0, 'half': 50.0, 'nothing': 0.0}
# 64 * 48 / (64 * 96), 48 * 48 / (48 * 96 + 16 * 48), 32 * 48 / (32 * 96 + 32 * 48)
IOU_WITH_VOID = {'everything': 50.0, 'three quarters': 300 / 7, 'half': 100 / 3, 'nothing': 0.0}
PQ = {'everything': 100.0, 'three quarters': 75.0, 'half': 0.0, 'nothing': 0.0}  # a match has IoU > 0.5
SLIDE = dict(mode='slide', crop_size=(64, 64), stride=(64, 32))
META = dict(classes=('crack',), palette=[[255, 0, 0]])


def finding(part: float):
    """A `predict_each` whose first query is the class in the upper rows, and whose second is no-object."""

    def predict_each(features, wanted=None):
        height, width = features[0].shape[-2:]
        rows = torch.arange(height) < part * height
        masks = torch.stack([torch.where(rows, 20.0, -20.0), torch.full((height,), 20.0)])
        prediction = MaskPrediction(
            torch.tensor([[20.0, -20.0], [-20.0, 20.0]]), masks[..., None].expand(2, height, width).clone()
        )
        return [prediction] * len(features[0])

    return predict_each


def in_one_batch(predictions) -> MaskPrediction:
    return MaskPrediction(*(torch.stack(parts) for parts in zip(*predictions)))


def one_class_model(found: str, segmentor='mmmaskformer.MaskFormer', head=None, **test_cfg):
    head = {'num_classes': 1, **(head or {})}
    model = small_model(segmentor, decode_head=head, test_cfg={'mode': 'whole', **test_cfg})
    predict_each = finding(FOUND[found])
    model.decode_head.predict_each = predict_each
    model.decode_head.predict_masks = lambda features: in_one_batch(predict_each(features))
    return model


def batch(**metainfo) -> dict:
    shape = dict(img_shape=(HEIGHT, WIDTH), ori_shape=(HEIGHT, WIDTH), img_path='0.png', **metainfo)
    image = torch.randint(0, 256, (3, HEIGHT, WIDTH), dtype=torch.uint8)
    return dict(inputs=[image], data_samples=[SegDataSample(metainfo=shape)])


def labels_of(found: str, void: int = VOID) -> np.ndarray:
    labels = np.full((HEIGHT, WIDTH), void)
    labels[: int(FOUND[found] * HEIGHT)] = 0
    return labels


def ground_truth(void: int = VOID) -> torch.Tensor:
    labels = torch.full((1, HEIGHT, WIDTH), void)
    labels[..., : WIDTH // 2] = 0
    return labels


def measure(metric, sample, name: str) -> float:
    metric.dataset_meta = META
    sample.gt_sem_seg = PixelData(data=ground_truth())
    metric.process({}, [sample.to_dict()])
    return float(metric.evaluate(1)[name])


WAYS = {
    'scores': {},
    'labels alone': dict(seg_logits=False),
    'combined at the original size': dict(postprocess='before'),
    'combined at the original size, labels alone': dict(postprocess='before', seg_logits=False),
    'slide': SLIDE,
    'slide, labels alone': dict(SLIDE, seg_logits=False),
    'general': dict(semantic='general'),
    'MaX-DeepLab': dict(head=dict(HEAD, type='mmmaskformer.MaXDeepLabHead', num_classes=1)),
}


@pytest.mark.parametrize('found', FOUND)
@pytest.mark.parametrize('way', WAYS)
def test_label_maps_and_metrics(way, found):
    (sample,) = one_class_model(found, **WAYS[way]).test_step(batch())
    assert np.array_equal(sample.pred_sem_seg.data[0], labels_of(found))
    assert measure(IoUMetric(), sample, 'mIoU') == IOU[found]
    assert measure(ClassIoU(), sample, 'IoU.crack') == IOU[found]
    whole = measure(ClassIoU(void_as_background=True), sample, 'IoU.crack')
    assert whole == pytest.approx(IOU_WITH_VOID[found])
    assert measure(SemanticPanopticQuality(), sample, 'PQ_sem') == PQ[found]


@pytest.mark.parametrize('way', ['scores', 'slide', 'combined at the original size'])
def test_scores_are_probabilities_of_the_class(way):
    (sample,) = one_class_model('half', **WAYS[way]).test_step(batch())
    scores = sample.seg_logits.data
    assert scores.shape == (1, HEIGHT, WIDTH)
    assert scores[0, :28].min() > 0.99
    assert scores[0, 36:].max() < 0.01


def test_a_score_of_one_half_is_not_enough():
    model = one_class_model('half')
    scores = torch.tensor([0.4, 0.5, 0.6]).view(1, 1, 1, 3)
    (sample,) = model.postprocess_result(scores, None)
    assert sample.pred_sem_seg.data.flatten().tolist() == [255, 255, 0]
    assert torch.equal(sample.seg_logits.data, scores[0])


def test_another_ignored_label():
    model = one_class_model('half', head=dict(ignore_index=7), seg_logits=False)
    (sample,) = model.test_step(batch())
    assert np.array_equal(sample.pred_sem_seg.data[0], labels_of('half', 7))


@pytest.mark.parametrize('found', FOUND)
@pytest.mark.parametrize('test_cfg', [{}, SLIDE], ids=['whole', 'slide'])
def test_mmseg_segmentor(test_cfg, found):
    """mmseg takes the label of the best of two scores: 0 is the class, 1 is nothing found."""
    (sample,) = one_class_model(found, 'EncoderDecoder', **test_cfg).test_step(batch())
    assert np.array_equal(sample.pred_sem_seg.data[0], labels_of(found, 1))
    assert measure(IoUMetric(), sample, 'mIoU') == IOU[found]
    assert measure(ClassIoU(void_as_background=True), sample, 'mIoU') == round(IOU_WITH_VOID[found], 2)
    if found != 'everything':
        with pytest.raises(
            ValueError, match=r'predicted label 1 is neither .*model\.type=mmmaskformer\.MaskF'
        ):
            measure(SemanticPanopticQuality(), sample, 'PQ_sem')


def augmented() -> dict:
    """An image and its mirror image."""
    straight, mirrored = batch(flip=False), batch(flip=True, flip_direction='horizontal')
    return {key: [straight[key], mirrored[key]] for key in straight}


@pytest.mark.parametrize('found', FOUND)
@pytest.mark.parametrize(
    ('segmentor', 'wrapper', 'void'),
    [('mmmaskformer.MaskFormer', MaskFormerTTAModel, VOID), ('EncoderDecoder', SegTTAModel, 1)],
)
def test_augmentation(segmentor, wrapper, void, found):
    (sample,) = wrapper(module=one_class_model(found, segmentor)).test_step(augmented())
    assert np.array_equal(sample.pred_sem_seg.data.squeeze(), labels_of(found, void))


def test_mmseg_augmentation_of_our_segmentor_is_refused():
    with pytest.raises(ValueError, match=r"set type='mmmaskformer\.MaskFormerTTAModel' in tta_model"):
        SegTTAModel(module=one_class_model('half')).test_step(augmented())


@pytest.fixture(scope='module')
def config(tmp_path_factory) -> Config:
    """Two images of one class: 1 is the class in the files, 0 is unlabelled."""
    folder = tmp_path_factory.mktemp('crack')
    for kind in ('img', 'ann'):
        (folder / kind).mkdir()
    labels = (ground_truth()[0] == 0).numpy().astype(np.uint8)
    for index in range(2):
        cv2.imwrite(str(folder / f'img/{index}.png'), np.full((HEIGHT, WIDTH, 3), 90, np.uint8))
        cv2.imwrite(str(folder / f'ann/{index}.png'), labels)
    path = folder / 'crack.py'
    path.write_text(
        f"""
_base_ = [
    'mmmaskformer::_base_/models/maskformer_r18_half.py',
    'mmmaskformer::_base_/datasets/ade20k_512x512.py',
    'mmmaskformer::_base_/schedules/schedule_toy.py',
    'mmmaskformer::_base_/default_runtime.py',
]
test_pipeline = [
    dict(type='mmmaskformer.LoadImageFromFile'),
    dict(type='mmmaskformer.LoadAnnotations'),
    dict(type='PackSegInputs'),
]
data = dict(
    _delete_=True,
    type='BaseSegDataset',
    data_root={str(folder)!r},
    metainfo={META!r},
    reduce_zero_label=True,
    img_suffix='.png',
    data_prefix=dict(img_path='img', seg_map_path='ann'),
    pipeline=test_pipeline,
)
test_dataloader = dict(num_workers=0, persistent_workers=False, dataset=data)
test_evaluator = dict(_delete_=True, type='IoUMetric')
model = dict(decode_head=dict(num_classes=1), backbone=dict(init_cfg=None))
launcher = 'none'
work_dir = {str(folder / 'work')!r}
"""
    )
    return Config.fromfile(str(path))


@pytest.fixture(scope='module')
def checkpoint(config, tmp_path_factory) -> str:
    from mmengine.registry import MODELS, init_default_scope

    init_default_scope('mmseg')
    path = tmp_path_factory.mktemp('checkpoint') / 'model.pth'
    torch.save(dict(state_dict=MODELS.build(config.model).state_dict(), meta=dict(dataset_meta=META)), path)
    return str(path)


@pytest.fixture
def find(monkeypatch):
    """Every model predicts the class in this part of the rows."""

    def patch(found: str):
        predict_each = finding(FOUND[found])
        monkeypatch.setattr(
            MaskFormerHead, 'predict_each', lambda self, features, wanted=None: predict_each(features)
        )
        monkeypatch.setattr(
            MaskFormerHead, 'predict_masks', lambda self, features: in_one_batch(predict_each(features))
        )

    return patch


@pytest.mark.parametrize('found', ['everything', 'three quarters', 'nothing'])
def test_evaluation_with_files(config, checkpoint, find, found, tmp_path):
    find(found)
    config = config.copy()
    config.visualizer.name = str(tmp_path)  # visualizers of one name are one
    metrics = evaluate_model(config, checkpoint, out=str(tmp_path / 'out'), show_dir=str(tmp_path / 'shown'))
    assert metrics['mIoU'] == IOU[found]
    for index in range(2):
        (path,) = (tmp_path / 'out').rglob(f'{index}.png')
        written = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert np.array_equal(written == 1, labels_of(found) == 0), (
            'the number that the class has in the data set'
        )
        assert set(np.unique(written)) <= {0, 1}
    assert len(list((tmp_path / 'shown').rglob('*.png'))) == 2


@pytest.mark.parametrize('found', ['three quarters', 'nothing'])
def test_drawn_predictions(found):
    (sample,) = one_class_model(found).test_step(batch())
    visualizer = SegmentVisualizer(alpha=1.0)
    visualizer.dataset_meta = META
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    visualizer.add_datasample('one', image, sample, draw_gt=False, with_labels=False)
    drawn = visualizer.get_image()
    red = (drawn[..., 0] > 200) & (drawn[..., 1] < 60)
    rows = int(FOUND[found] * HEIGHT)
    assert red[4 : max(rows - 4, 4), 4:-4].all()  # a contour may lie along the edges
    assert not red[rows + 4 :].any()
    assert (drawn[rows + 4 :] == 90).all()


@pytest.mark.parametrize('found', ['everything', 'three quarters', 'nothing'])
def test_inferencer(config, checkpoint, find, found, tmp_path):
    find(found)
    inferencer = MaskFormerInferencer(config.copy(), checkpoint, device='cpu')
    (result,) = inferencer(np.full((HEIGHT, WIDTH, 3), 90, np.uint8))
    assert np.array_equal(result.semantic, labels_of(found))
    area = int(FOUND[found] * HEIGHT) * WIDTH
    assert [(region.name, region.area) for region in result.regions] == [('crack', area)][: area > 0]
    result.save(tmp_path, ['label'])
    (path,) = tmp_path.rglob('*.png')
    assert np.array_equal(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), labels_of(found))


@pytest.mark.parametrize('found', ['everything', 'three quarters', 'nothing'])
def test_mmseg_inference_model(config, checkpoint, found):
    model = one_class_model(found)
    model.cfg = config
    sample = inference_model(model, np.full((HEIGHT, WIDTH, 3), 90, np.uint8))
    assert np.array_equal(sample.pred_sem_seg.data[0], labels_of(found))
