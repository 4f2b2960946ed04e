"""True images, and the configs that load them."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope
from pycocotools.coco import COCO

from mmmaskformer.datasets import CocoInstanceDataset, CocoPanopticDataset
from mmmaskformer.functional.targets import id_map_to_segments
from mmmaskformer.toy_scenes import ToyRecipe, write_toy

CONFIGS = Path(__file__).parents[2] / 'configs' / '_base_' / 'datasets'
PACK = {'type': 'mmmaskformer.PackSegmentInputs', 'with_semantic': True}
PANOPTIC = [
    {'type': 'mmmaskformer.LoadImageFromFile'},
    {'type': 'mmmaskformer.LoadPanopticAnnotations'},
    PACK,
]
INSTANCE = [PANOPTIC[0], {'type': 'mmmaskformer.LoadInstanceAnnotations'}, PACK]
SAMPLE = {
    'data_root': 'coco_panoptic_sample',
    'ann_file': 'panoptic_examples.json',
    'data_prefix': {'img_path': 'input_images', 'seg_map_path': 'panoptic_examples'},
}
COCO126 = {'data_root': 'coco126', 'data_prefix': {'img_path': 'images', 'seg_map_path': 'panoptic'}}


@pytest.fixture
def data(shared):
    return shared / 'data'


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope('mmseg')


@pytest.fixture(scope='module')
def toy(tmp_path_factory):
    folder = tmp_path_factory.mktemp('toy') / 'toy'
    write_toy(folder, ToyRecipe(num_training=2, num_validation=2, height=96, width=128))
    return str(folder)


def at(data, settings):
    return {**settings, 'data_root': str(data / settings['data_root'])}


@pytest.mark.parametrize('categories', [None, 'coco_panoptic'])
def test_true_coco_images_come_back(data, categories):
    """Load, pack, take the segments, and write ids and list again: equal to the PNG and the JSON file."""
    dataset = CocoPanopticDataset(**at(data, SAMPLE), categories=categories, pipeline=PANOPTIC)
    ground_truth = json.loads((data / 'coco_panoptic_sample' / 'panoptic_examples.json').read_text())
    assert len(dataset) == 2
    for index, annotation in enumerate(ground_truth['annotations']):
        sample = dataset[index]['data_samples']
        assert sample.img_id == annotation['image_id']
        infos = annotation['segments_info']
        ids = np.array([0, *(info['id'] for info in infos)])[sample.gt_panoptic_seg.data[0].numpy()]
        png = cv2.imread(sample.seg_map_path)[..., ::-1].astype(int)
        np.testing.assert_array_equal(ids, png @ (1, 256, 65536))
        for info, ours in zip(infos, sample.gt_segments_info, strict=True):
            number = dataset.metainfo['category_ids'][ours['category_id']]
            assert (number, ours['iscrowd'], ours['area']) == (
                info['category_id'],
                info['iscrowd'],
                info['area'],
            )
        segments = id_map_to_segments(sample.gt_panoptic_seg.data, sample.gt_segments_info, 133)
        assert segments.masks.sum((1, 2)).tolist() == [i['area'] for i in infos if not i['iscrowd']]


def test_coco126_panoptic(data):
    dataset = CocoPanopticDataset(
        **at(data, COCO126), ann_file='panoptic.json', categories='coco_panoptic', pipeline=PANOPTIC
    )
    assert len(dataset) == 126
    for index in range(0, 126, 9):
        sample = dataset[index]['data_samples']
        counts = np.bincount(sample.gt_panoptic_seg.data.numpy().ravel())[1:]
        areas = [info['area'] for info in sample.gt_segments_info]
        assert counts.tolist() == areas


def test_coco126_instances(data):
    """Every object keeps all its pixels, as pycocotools draws it, whatever lies over it."""
    settings = {**at(data, COCO126), 'data_prefix': {'img_path': 'images'}}
    dataset = CocoInstanceDataset(
        **settings, ann_file='instances.json', categories='coco_instance', pipeline=INSTANCE
    )
    ground_truth = COCO(dataset.ann_file)
    layers = 0
    for index in range(0, 126, 9):
        sample = dataset[index]['data_samples']
        layers = max(layers, len(sample.gt_panoptic_seg.data))
        annotations = ground_truth.loadAnns(ground_truth.getAnnIds(sample.img_id))
        assert len(annotations) == len(sample.gt_segments_info)
        for annotation, info in zip(annotations, sample.gt_segments_info):
            mask = (sample.gt_panoptic_seg.data == info['id']).any(0).numpy()
            np.testing.assert_array_equal(mask, ground_truth.annToMask(annotation).astype(bool))
            assert dataset.metainfo['category_ids'][info['category_id']] == annotation['category_id']
    assert layers > 1


def build(config, phase, **changes):
    cfg = Config.fromfile(CONFIGS / config)
    return DATASETS.build({**cfg[f'{phase}_dataloader'].dataset, **changes}), cfg


def check_samples(dataset, cfg, phase, crop=None):
    for index in range(2):
        packed = dataset[index]
        sample = packed['data_samples']
        shape = sample.gt_panoptic_seg.shape
        assert len(sample.gt_panoptic_seg.data) >= 1
        assert sample.gt_panoptic_seg.data.max() <= len(sample.gt_segments_info)
        if phase == 'train':
            assert packed['inputs'].shape[1:] == shape
            assert crop is None or shape == tuple(cfg.crop_size)
        else:
            assert shape == sample.ori_shape
            types = [step.type for step in cfg.test_pipeline]
            assert types[0] == 'LoadImageFromFile'  # the name MMSegmentation's inference looks for


@pytest.mark.parametrize('phase', ['train', 'val', 'test'])
@pytest.mark.parametrize(
    ('config', 'settings', 'crop'),
    [
        ('coco_panoptic.py', SAMPLE, None),
        ('ade20k_panoptic.py', {**SAMPLE, 'categories': 'coco_panoptic'}, True),
        (
            'coco_instance.py',
            {**COCO126, 'data_prefix': {'img_path': 'images'}, 'ann_file': 'instances.json'},
            None,
        ),
        ('camvid_panoptic.py', {'data_root': 'camvid'}, True),
    ],
)
def test_configs_on_true_images(data, config, settings, crop, phase):
    np.random.seed(0)
    dataset, cfg = build(config, phase, **at(data, settings))
    check_samples(dataset, cfg, phase, crop)
    for evaluator in (cfg.val_evaluator, cfg.test_evaluator):
        assert evaluator


@pytest.mark.parametrize('phase', ['train', 'val', 'test'])
def test_toy_config(toy, phase):
    dataset, cfg = build('toy_panoptic.py', phase, data_root=toy)
    check_samples(dataset, cfg, phase, crop=True)
    assert len(dataset.metainfo['classes']) == 10
    assert len(dataset.metainfo['thing_classes']) == 6


@pytest.mark.parametrize(
    ('config', 'classes', 'things'),
    [
        ('coco_panoptic.py', 133, 80),
        ('ade20k_panoptic.py', 150, 100),
        ('coco_instance.py', 80, 80),
        ('camvid_panoptic.py', 11, 3),
        ('toy_panoptic.py', 10, 6),
    ],
)
def test_classes_are_known_without_the_data(config, classes, things):
    for phase in ('train', 'val', 'test'):
        metainfo = build(config, phase, lazy_init=True)[0].metainfo
        assert (len(metainfo['classes']), len(metainfo['thing_classes'])) == (classes, things)


def test_coco_augmentation_is_that_of_the_paper():
    cfg = Config.fromfile(CONFIGS / 'coco_panoptic.py')
    assert cfg.train_dataloader.batch_size * 8 == 64
    plain, cropped = cfg.train_pipeline[3].transforms
    assert [step.type for step in cropped] == [
        'RandomChoiceResize',
        'mmdet.RandomCrop',
        'RandomChoiceResize',
    ]
    assert plain == cropped[2:]
    assert list(plain[0].scales) == list(range(480, 801, 32))
    assert (plain[0].resize_type, plain[0].max_size) == ('ResizeShortestEdge', 1333)
    assert list(cropped[0].scales) == [400, 500, 600]
    assert cropped[1].to_dict() == {
        'type': 'mmdet.RandomCrop',
        'crop_type': 'absolute_range',
        'crop_size': (384, 600),
    }
    assert tuple(cfg.test_pipeline[1].scale) == (1333, 800)
