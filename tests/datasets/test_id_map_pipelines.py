"""Every transform of MMCV and MMSegmentation keeps segment ids, or is refused by its name."""

import importlib

import numpy as np
import pytest
from mmcv.transforms import BaseTransform
from mmengine.dataset import Compose
from mmengine.registry import DATASETS, init_default_scope
from mmseg.registry import TRANSFORMS

from mmmaskformer.datasets.pipelines import RULES, check_pipelines
from mmmaskformer.registry import TRANSFORMS as OWN_TRANSFORMS

LOAD = dict(type='mmmaskformer.LoadPanopticAnnotations')
HARMLESS = [  # settings under which a transform keeps ids
    dict(type='AdjustGamma'),
    dict(type='BioMedicalGaussianBlur'),
    dict(type='BioMedicalGaussianNoise'),
    dict(type='BioMedicalRandomGamma'),
    dict(type='CLAHE'),
    dict(type='mmcv.CenterCrop', crop_size=(16, 16)),
    dict(
        type='mmcv.CenterCrop',
        crop_size=(50, 16),
        auto_pad=True,
        pad_cfg=dict(type='Pad', pad_val=dict(seg=0)),
    ),
    dict(type='mmcv.Normalize', mean=[0.0] * 3, std=[1.0] * 3),
    dict(type='Pad', size=(64, 50), pad_val=dict(img=128, seg=0)),
    dict(type='Pad', size=(64, 50), pad_val=dict(seg=0), padding_mode='reflect'),
    dict(type='mmmaskformer.PadSegments', size=(64, 50)),
    dict(type='PhotoMetricDistortion'),
    dict(type='RGB2Gray'),
    dict(type='RandomChoiceResize', scales=[(40, 60), (20, 30)], keep_ratio=True),
    dict(type='RandomCrop', crop_size=(16, 16)),
    dict(type='RandomCrop', crop_size=(16, 16), cat_max_ratio=0.5),
    dict(type='RandomCutOut', prob=1.0, n_holes=2, cutout_shape=(8, 8)),
    dict(type='RandomCutOut', prob=1.0, n_holes=2, cutout_shape=(8, 8), seg_fill_in=0),
    dict(type='RandomFlip', prob=1.0, direction=['horizontal', 'vertical', 'diagonal']),
    dict(type='mmcv.RandomGrayscale', prob=1.0),
    dict(type='RandomResize', scale=(60, 40), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomRotFlip', rotate_prob=0.0, flip_prob=1.0),
    dict(type='RandomRotate', prob=1.0, degree=30.0, seg_pad_val=0),
    dict(type='RandomRotate', prob=1.0, degree=30.0, seg_pad_val=0, auto_bound=True),
    dict(type='Rerange'),
    dict(type='Resize', scale=(45, 33)),
    dict(type='mmcv.Resize', scale=(45, 33), keep_ratio=True),
    dict(type='ResizeShortestEdge', scale=40, max_size=80),
    dict(type='ResizeToMultiple', size_divisor=32),
    dict(type='SegRescale', scale_factor=0.5),
    dict(type='mmmaskformer.SegmentMosaic', prob=0.0),
]
REFUSED = [  # settings under which it does not, and what the sentence has
    (dict(type='BioMedical3DPad', pad_shape=(1, 1, 1)), 'BioMedical3DPad'),
    (dict(type='BioMedical3DRandomCrop', crop_shape=1), 'BioMedical3DRandomCrop'),
    (dict(type='BioMedical3DRandomFlip', prob=1.0, axes=(0,)), 'BioMedical3DRandomFlip'),
    (dict(type='mmcv.CenterCrop', crop_size=(50, 16), auto_pad=True), 'CenterCrop.*with 255.*set pad_cfg'),
    (dict(type='GenerateEdge'), 'GenerateEdge'),
    (dict(type='LoadAnnotations'), 'LoadAnnotations.*LoadPanopticAnnotations'),
    (dict(type='mmmaskformer.LoadAnnotations'), 'LoadAnnotations.*LoadPanopticAnnotations'),
    (dict(type='LoadBiomedicalAnnotation'), 'LoadBiomedicalAnnotation'),
    (dict(type='PackSegInputs'), 'PackSegInputs.*PackSegmentInputs'),
    (dict(type='Pad', size=(64, 50)), r'Pad .*with 255.*set pad_val=dict\(seg=0\)'),
    (dict(type='Pad', size=(64, 50), pad_val=0), r'Pad .*with 255.*set pad_val=dict\(seg=0\)'),
    (dict(type='RandomCutOut', prob=1.0, n_holes=1, cutout_shape=(8, 8), seg_fill_in=255), 'seg_fill_in=0'),
    (dict(type='RandomFlip', prob=1.0, swap_seg_labels=[(1, 2)]), 'RandomFlip.*swap_seg_labels'),
    (dict(type='RandomMosaic', prob=1.0), 'RandomMosaic.*use mmmaskformer.SegmentMosaic'),
    (dict(type='RandomRotFlip'), 'RandomRotFlip.*rotate_prob=0'),
    (dict(type='RandomRotate', prob=1.0, degree=30.0), 'RandomRotate.*with 255.*set seg_pad_val=0'),
]
ELSEWHERE = {  # not in the pipelines of these data sets: they need other samples, or only wrap or format
    'Albu', 'Compose', 'ConcatCDInput', 'ImageToTensor', 'InferencerLoader', 'KeyMapper',
    'LoadBiomedicalData', 'LoadBiomedicalImageFromFile', 'LoadDepthAnnotation', 'LoadImageFromFile',
    'LoadImageFromNDArray', 'LoadMultipleRSImageFromFile', 'LoadSingleRSImageFromFile', 'MultiScaleFlipAug',
    'RandomApply', 'RandomChoice', 'RandomDepthMix', 'TestTimeAug', 'ToTensor', 'TransformBroadcaster',
}  # fmt: skip


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope('mmseg')
    np.random.seed(0)


class Pipeline:
    """What is left of a data set."""

    def __init__(self, *transforms):
        self.pipeline = Compose([LOAD, *transforms])


class Wrapper:
    def __init__(self, dataset, *transforms):
        self.dataset = dataset
        if transforms:
            self.pipeline = list(Compose(transforms).transforms)


class Concatenated:
    def __init__(self, *datasets):
        self.datasets = datasets


def sample(layers, dtype):
    ids = np.zeros((30, 40, layers), dtype)
    for layer in range(layers):
        ids[4 + layer : 14, 5:20, layer] = 2
        ids[15:28, 18 + layer : 36, layer] = 5
    return dict(
        img=np.random.RandomState(0).randint(0, 256, (30, 40, 3), np.uint8),
        img_path='a.jpg',
        img_shape=(30, 40),
        ori_shape=(30, 40),
        gt_seg_map=ids[..., 0] if layers == 1 else ids,
        seg_fields=['gt_seg_map'],
        segments_info=[dict(id=i, category_id=0) for i in range(1, 6)],
    )


def label(config):
    return '-'.join(str(value) for value in config.values())


@pytest.mark.parametrize('config', HARMLESS, ids=label)
@pytest.mark.parametrize(('layers', 'dtype'), [(1, np.uint8), (1, np.int32), (3, np.uint8)])
def test_transforms_that_keep_ids(config, layers, dtype):
    assert check_pipelines(Pipeline(config))
    transform = Compose([config])
    for _ in range(5):
        results = transform(sample(layers, dtype))
        assert set(np.unique(results['gt_seg_map'])) <= {0, 2, 5}
        assert results['gt_seg_map'].dtype == dtype


@pytest.mark.parametrize(('config', 'message'), REFUSED, ids=lambda value: str(value)[:40])
def test_transforms_that_are_refused(config, message):
    with pytest.raises(ValueError, match=message):
        check_pipelines(Pipeline(config))


def test_every_transform_was_decided_on():
    tried = {config['type'].split('.')[-1] for config in [*HARMLESS, *(config for config, _ in REFUSED)]}
    own = set(OWN_TRANSFORMS.module_dict)
    registered = {name for registry in (TRANSFORMS, TRANSFORMS.parent) for name in registry.module_dict}
    assert registered - own - tried - ELSEWHERE == set()


def test_rules_name_what_exists():
    modules = {
        'mmcv': 'mmcv.transforms',
        'mmseg': 'mmseg.datasets.transforms',
        'mmdet': 'mmdet.datasets.transforms',
    }
    for name in RULES:
        package, cls = name.split('.')
        module = importlib.import_module(modules[package])
        found = getattr(module, cls, None) or getattr(
            importlib.import_module(f'{module.__name__}.geometric'), cls
        )
        assert found.__module__.split('.')[0] == package


@pytest.mark.parametrize(
    'wrap',
    [
        lambda step: dict(type='RandomApply', transforms=[step], prob=0.5),
        lambda step: dict(type='RandomChoice', transforms=[[dict(type='RGB2Gray')], [step]]),
        lambda step: dict(type='KeyMapper', transforms=[step], mapping=dict(img='img')),
        lambda step: dict(type='TransformBroadcaster', transforms=[step], mapping=dict(img=['img', 'img2'])),
        lambda step: dict(type='TestTimeAug', transforms=[[dict(type='RGB2Gray'), step]]),
        lambda step: dict(type='Compose', transforms=[dict(type='RandomApply', transforms=[step])]),
    ],
)
def test_inside_other_transforms(wrap):
    assert check_pipelines(Pipeline(wrap(dict(type='Pad', size_divisor=32, pad_val=dict(seg=0)))))
    with pytest.raises(ValueError, match=r'^Pad in the pipeline of Pipeline fills'):
        check_pipelines(Pipeline(wrap(dict(type='Pad', size_divisor=32))))


def test_inside_other_data_sets():
    good, bad = Pipeline(dict(type='RGB2Gray')), Pipeline(dict(type='Pad', size_divisor=32))
    mosaic = dict(type='RandomMosaic', prob=1.0)
    assert check_pipelines(Concatenated(Wrapper(good), good))
    with pytest.raises(ValueError, match='Pad in the pipeline of Pipeline'):
        check_pipelines(Concatenated(Wrapper(good), Wrapper(bad)))
    with pytest.raises(ValueError, match='RandomMosaic in the pipeline of Wrapper mixes images'):
        check_pipelines(Wrapper(Wrapper(Wrapper(Concatenated(good)), mosaic)))
    assert check_pipelines(Wrapper(good, dict(type='mmmaskformer.SegmentMosaic', prob=1.0)))


def test_label_maps_are_left_alone():
    labels = Pipeline()
    labels.pipeline = Compose([dict(type='LoadAnnotations'), dict(type='Pad', size_divisor=32)])
    assert not check_pipelines(Wrapper(labels, dict(type='RandomMosaic', prob=1.0)))


def test_transforms_of_ones_own():
    class Recolored(BaseTransform):
        def transform(self, results):
            return results

    class CutMix(Recolored):
        def get_indices(self, dataset):
            return [0]

    class MergingCutMix(CutMix):
        handles_segments = True

    assert check_pipelines(Pipeline(Recolored(), MergingCutMix(), lambda results: results))
    with pytest.raises(ValueError, match=r'CutMix in the pipeline.*handles_segments = True in its class'):
        check_pipelines(Pipeline(CutMix()))


@pytest.mark.parametrize('setting', [dict(fill_mask=255), dict(mask_value=7)])
def test_fillings_of_albumentations(setting):
    class Albu:  # albumentations need not be installed
        def __init__(self, transforms):
            self.transforms = transforms

        def __call__(self, results):
            return results

    Albu.__module__ = 'mmseg.datasets.transforms.transforms'
    assert check_pipelines(Pipeline(Albu([dict(type='Rotate'), dict(type='Pad', fill_mask=0)])))
    inside = dict(type='OneOf', transforms=[dict(type='Rotate', **setting)])
    with pytest.raises(ValueError, match='Albu in the pipeline of Pipeline fills'):
        check_pipelines(Pipeline(Albu([inside])))


def test_a_data_set_refuses_its_pipeline(tmp_path):
    (tmp_path / 'a.json').write_text(
        '{"images": [], "annotations": [], "categories": [{"id": 1, "name": "a"}]}'
    )
    config = dict(type='mmmaskformer.CocoInstanceDataset', ann_file=str(tmp_path / 'a.json'), lazy_init=True)
    load = dict(type='mmmaskformer.LoadInstanceAnnotations')
    DATASETS.build(dict(config, pipeline=[load]))
    with pytest.raises(ValueError, match='Pad in the pipeline of CocoInstanceDataset fills'):
        DATASETS.build(dict(config, pipeline=[load, dict(type='Pad', size_divisor=32)]))
    with pytest.raises(
        ValueError, match='LoadAnnotations in the pipeline of CocoInstanceDataset reads label maps'
    ):
        DATASETS.build(dict(config, pipeline=[dict(type='LoadAnnotations')]))
