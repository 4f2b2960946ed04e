"""One ignored label: 255, or 65535 where 255 is a class; data, model and metrics follow it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.dataset import ConcatDataset
from mmengine.registry import DATASETS, init_default_scope
from mmengine.structures import PixelData
from mmseg.datasets import BaseSegDataset, MultiImageMixDataset
from mmseg.evaluation import IoUMetric
from mmseg.structures import SegDataSample

from mmmaskformer.datasets.ignored_label import label_settings
from mmmaskformer.engine import CheckDatasetHook
from mmmaskformer.evaluation import ClassIoU, SemanticPanopticQuality
from mmmaskformer.functional.targets import check_labels, ignored_label

sys.path.insert(0, str(Path(__file__).parent / 'models'))

from small_models import PREPROCESSOR, small_model

HEIGHT, WIDTH, PADDED = 8, 12, 16
NUMBERS = [1, 2, 150, 255, 256, 300, 847]
PIPELINE = [
    dict(type='mmmaskformer.LoadImageFromFile'),
    dict(type='mmmaskformer.LoadAnnotations'),
    dict(type='Pad', size=(PADDED, PADDED), pad_val=dict(img=128, seg=255)),
    dict(type='PackSegInputs'),
]


def names(number: int) -> list[str]:
    return [f'c{i}' for i in range(number)]


def striped(num_classes: int, reduced: bool, dtype: type, void: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels in a file and to the model: classes in columns, the last four columns void."""
    limit = np.iinfo(dtype).max - reduced
    wanted = [
        c for c in (0, num_classes // 2, 254, 255, 256, num_classes - 1) if c < num_classes and c <= limit
    ]
    labels = np.resize(wanted, (HEIGHT, WIDTH))
    in_file = labels + reduced
    labels[:, -4:] = ignored_label(num_classes)
    in_file[:, -4:] = 0 if reduced else void
    return in_file.astype(dtype), labels


def write(folder: Path, index: int, in_file: np.ndarray) -> None:
    for kind in ('img', 'ann'):
        (folder / kind).mkdir(exist_ok=True)
    cv2.imwrite(str(folder / f'ann/{index}.png'), in_file)
    cv2.imwrite(str(folder / f'img/{index}.png'), np.full((HEIGHT, WIDTH, 3), 90, np.uint8))


def build(folder: Path, num_classes: int, reduced: bool = False, pipeline=PIPELINE, **settings):
    init_default_scope('mmseg')
    return DATASETS.build(
        dict(
            type='BaseSegDataset',
            data_root=str(folder),
            data_prefix=dict(img_path='img', seg_map_path='ann'),
            img_suffix='.png',
            reduce_zero_label=reduced,
            metainfo=dict(classes=names(num_classes)),
            pipeline=pipeline,
            **settings,
        )
    )


CASES = [
    (number, reduced, dtype, void)
    for number in NUMBERS
    for reduced in (False, True)
    for dtype, void in ((np.uint8, 255), (np.uint16, 255), (np.uint16, 65535))
    if ignored_label(number) == 255 or void == 65535 or reduced  # 255 is a class where there are more
]


@pytest.mark.parametrize(('number', 'reduced', 'dtype', 'void'), CASES)
def test_perfect_and_empty_predictions_through_files(number, reduced, dtype, void, tmp_path):
    in_file, labels = striped(number, reduced, dtype, void)
    write(tmp_path, 0, in_file)
    dataset = build(tmp_path, number, reduced)
    sample = dataset[0]['data_samples']
    ignored = 255 if number <= 255 else 65535
    loaded = sample.gt_sem_seg.data[0]
    assert np.array_equal(loaded[:HEIGHT, :WIDTH], labels)
    assert (loaded[HEIGHT:] == ignored).all()
    assert (loaded[:, WIDTH:] == ignored).all()
    check_labels(loaded, number, ignored)
    present = np.unique(labels[labels < number])
    nowhere = torch.full_like(loaded, ignored).long()
    for prediction, expected in ((loaded.long(), 100.0), (nowhere, 0.0)):
        sample.pred_sem_seg = PixelData(data=prediction[None])
        for metric in (IoUMetric(), ClassIoU(), SemanticPanopticQuality()):
            metric.dataset_meta = dataset.metainfo
            metric.process({}, [sample.to_dict()])
            values = metric.evaluate(1)
            assert values['PQ_sem' if 'PQ_sem' in values else 'mIoU'] == expected
            if isinstance(metric, ClassIoU):
                assert {c for c in range(number) if values[f'IoU.c{c}'] == expected} == set(present)


def test_mixed_bits_in_one_data_set(tmp_path):
    write(tmp_path, 0, np.array([[0, 255, 7, 254]] * HEIGHT * 1, np.uint8).repeat(3, 1))
    write(tmp_path, 1, np.array([[0, 255, 299, 65535]] * HEIGHT, np.uint16).repeat(3, 1))
    maps = [build(tmp_path, 300)[i]['data_samples'].gt_sem_seg.data[0, 0, :WIDTH:3].tolist() for i in (0, 1)]
    assert maps == [[0, 255, 7, 254], [0, 255, 299, 65535]]
    write(tmp_path, 1, np.array([[0, 255, 99, 65535]] * HEIGHT, np.uint16).repeat(3, 1))
    maps = [build(tmp_path, 255)[i]['data_samples'].gt_sem_seg.data[0, 0, :WIDTH:3].tolist() for i in (0, 1)]
    assert maps == [[0, 255, 7, 254], [0, 255, 99, 255]]


class Many(BaseSegDataset):
    METAINFO = dict(classes=names(400), palette=[[i // 256, i % 256, 0] for i in range(400)])

    def __init__(self, **kwargs):
        super().__init__(img_suffix='.png', **kwargs)


@pytest.mark.parametrize(('kept', 'ignored'), [(range(399, 0, -1), 65535), (range(300, 310), 255)])
def test_subset_of_many_classes(kept, ignored, tmp_path):
    """What is left out is ignored, and class 255 keeps its label and its color."""
    in_file = np.array([[0, 1, 144, 300, 399, 65535]] * HEIGHT, np.uint16).repeat(2, 1)
    write(tmp_path, 0, in_file)
    init_default_scope('mmseg')
    kept = list(kept)
    dataset = Many(
        data_root=str(tmp_path),
        data_prefix=dict(img_path='img', seg_map_path='ann'),
        metainfo=dict(classes=[f'c{c}' for c in kept]),
        pipeline=PIPELINE,
    )
    expected = [kept.index(c) if c in kept else ignored for c in (0, 1, 144, 300, 399, 65535)]
    assert dataset[0]['data_samples'].gt_sem_seg.data[0, 0, :WIDTH:2].tolist() == expected
    assert dataset.metainfo['palette'] == [[c // 256, c % 256, 0] for c in kept]


PADDING_TRANSFORMS = [
    dict(type='mmmaskformer.LoadAnnotations'),
    dict(type='RandomCrop', crop_size=(8, 8), cat_max_ratio=0.75),
    dict(type='RandomCutOut', prob=1.0, n_holes=1, cutout_shape=(2, 2), seg_fill_in=255),
    dict(type='RandomApply', transforms=[dict(type='RandomRotate', prob=1.0, degree=30)]),
    dict(
        type='RandomChoice', transforms=[[dict(type='Pad', size=(9, 9))], [dict(type='Pad', size=(10, 10))]]
    ),
]


@pytest.mark.parametrize(
    ('number', 'ignore_index', 'expected'), [(300, 255, 65535), (255, 255, 255), (9, 11, 11), (300, 999, 999)]
)
def test_transforms_follow_the_data_set(number, ignore_index, expected, tmp_path):
    dataset = build(tmp_path, number, pipeline=PADDING_TRANSFORMS, ignore_index=ignore_index, lazy_init=True)
    found = [str(setting) for setting in label_settings(dataset.pipeline)]
    assert found == [
        'ignore_index of RandomCrop',
        'seg_fill_in of RandomCutOut',
        'seg_pad_val of RandomRotate',
        "pad_val['seg'] of Pad",
        "pad_val['seg'] of Pad",
    ]
    assert {setting.value for setting in label_settings(dataset.pipeline)} == {expected}
    assert dataset.ignore_index == expected


def test_id_maps_are_padded_with_their_own_void(tmp_path):
    pipeline = [
        dict(type='mmmaskformer.LoadPanopticAnnotations'),
        dict(type='Pad', size=(9, 9), pad_val=dict(img=0, seg=0)),
        dict(type='mmmaskformer.PackSegmentInputs', with_semantic=True),
    ]
    dataset = build(tmp_path, 300, pipeline=pipeline, lazy_init=True)
    assert [str(setting) for setting in label_settings(dataset.pipeline)] == [
        'ignore_index of PackSegmentInputs'
    ]
    assert dataset.pipeline.transforms[1].pad_val == dict(img=0, seg=0)
    info = [dict(id=1, category_id=255), dict(id=2, category_id=299)]
    packed = dataset.pipeline.transforms[2](
        dict(
            img=np.zeros((1, 3, 3), np.uint8), gt_seg_map=np.array([[0, 1, 2]], np.uint8), segments_info=info
        )
    )
    assert packed['data_samples'].gt_sem_seg.data.tolist() == [[[65535, 255, 299]]]


def runner(model, dataset, metrics=()):
    loop = SimpleNamespace(evaluator=SimpleNamespace(metrics=list(metrics)))
    loader = SimpleNamespace(dataset=dataset)
    loaders = dict.fromkeys(('train_dataloader', 'val_dataloader', 'test_dataloader'), loader)
    return SimpleNamespace(model=model, val_loop=loop, test_loop=loop, **loaders)


EVENTS = ['before_train', 'before_val', 'before_test']


@pytest.mark.parametrize('segmentor', ['mmmaskformer.MaskFormer', 'EncoderDecoder'])
@pytest.mark.parametrize('number', [300, 4])
def test_one_number_of_classes_is_enough(segmentor, number, tmp_path):
    preprocessor = {**PREPROCESSOR, 'type': 'SegDataPreProcessor', 'seg_pad_val': 255}
    model = small_model(segmentor, decode_head=dict(num_classes=number), data_preprocessor=preprocessor)
    metrics = (
        IoUMetric(),
        SemanticPanopticQuality(),
        ClassIoU(void_as_background=True),
        IoUMetric(ignore_index=0),
    )
    dataset = build(tmp_path, number, lazy_init=True, pipeline=PADDING_TRANSFORMS)
    for event in EVENTS:
        getattr(CheckDatasetHook(), event)(runner(model, dataset, metrics))
    ignored = ignored_label(number)
    assert model.decode_head.ignore_index == model.data_preprocessor.seg_pad_val == ignored
    assert [metric.ignore_index for metric in metrics] == [ignored, ignored, -1, 0]


def test_one_sentence_names_all_settings_that_disagree(tmp_path):
    model = small_model(decode_head=dict(ignore_index=9))
    pipeline = [*PADDING_TRANSFORMS, dict(type='Pad', size=(9, 9), pad_val=dict(seg=0))]
    data = ConcatDataset([build(tmp_path, 4, lazy_init=True, pipeline=pipeline)], lazy_init=True)
    message = (
        r'^model\.decode_head ignores the label 9, but the ignored label is 255 in ignore_index of '
        r'RandomCrop in val_dataloader, 255 in seg_fill_in of RandomCutOut in val_dataloader, 255 in '
        r'seg_pad_val of RandomRotate in val_dataloader, '
        r"0 in pad_val\['seg'\] of Pad in val_dataloader, 65535 in "
        r'ignore_index of IoUMetric in val_evaluator: set the same label in all of them and as '
        r'ignore_index of the data sets'
    )
    with pytest.raises(ValueError, match=message):
        CheckDatasetHook().before_val(runner(model, data, [IoUMetric(ignore_index=65535)]))


def test_pipeline_of_a_wrapper(tmp_path):
    model = small_model(decode_head=dict(num_classes=300))
    write(tmp_path, 0, np.zeros((8, 12), np.uint8))
    inner = ConcatDataset([build(tmp_path, 300)])
    mosaic = dict(type='RandomMosaic', prob=1.0, img_scale=(8, 8))
    data = MultiImageMixDataset(inner, [mosaic, dict(type='PackSegInputs')])
    with pytest.raises(ValueError, match=r'ignores the label 65535, .* 255 in seg_pad_val of RandomMosaic'):
        CheckDatasetHook().before_val(runner(model, data))


def test_another_ignored_label_is_set_in_two_places(tmp_path):
    model = small_model(decode_head=dict(ignore_index=9))
    dataset = build(tmp_path, 4, lazy_init=True, pipeline=PADDING_TRANSFORMS, ignore_index=9)
    metric = IoUMetric()
    CheckDatasetHook().before_train(runner(model, dataset, [metric]))
    assert metric.ignore_index == model.data_preprocessor.seg_pad_val == 9


@pytest.mark.filterwarnings('ignore:.*reduce_zero_label.*:UserWarning')
def test_loader_of_8_bits_is_refused(tmp_path):
    model = small_model(decode_head=dict(num_classes=300))
    dataset = build(tmp_path, 300, lazy_init=True, pipeline=[dict(type='LoadAnnotations')])
    with pytest.raises(
        ValueError, match=r'LoadAnnotations in train_dataloader reads label maps of 8 bits, but'
    ):
        CheckDatasetHook().before_train(runner(model, dataset))


def test_one_class_is_warned_of_once(tmp_path, caplog, monkeypatch):
    said = []
    monkeypatch.setattr('mmmaskformer.engine.label_checks.print_log', lambda text, *_: said.append(text))
    model = small_model(decode_head=dict(num_classes=1))
    dataset = build(tmp_path, 1, lazy_init=True)
    CheckDatasetHook().before_train(runner(model, dataset, [IoUMetric()]))
    CheckDatasetHook().before_val(runner(model, dataset, [IoUMetric()]))
    assert len(said) == 1
    assert 'void_as_background=True' in said[0]
    CheckDatasetHook().before_test(runner(model, dataset, [ClassIoU(void_as_background=True)]))
    assert len(said) == 1


def test_head_names_the_hint():
    model = small_model().train()
    sample = SegDataSample(gt_sem_seg=PixelData(data=torch.full((1, 64, 64), 4)))
    sample.set_metainfo(dict(seg_map_path='a.png', reduce_zero_label=False, img_shape=(64, 64)))
    with pytest.raises(
        ValueError, match=r'^a\.png: label 4 is neither .*: if 0 means .*; else set num_classes=5\.$'
    ):
        model.loss(torch.zeros(1, 3, 64, 64), [sample])
