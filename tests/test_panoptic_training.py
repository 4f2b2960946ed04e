"""A user's panoptic config, as the README writes it, trains and is evaluated on data in COCO's format."""

from __future__ import annotations

import warnings

import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from mmmaskformer.toy_scenes import ToyRecipe, write_toy

CONFIG = """
_base_ = '{root}/configs/maskformer/r50_coco_panoptic.py'

data = dict(data_root='{data}', categories=None)
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        **data,
        ann_file='panoptic_training.json',
        data_prefix=dict(img_path='images/training', seg_map_path='panoptic_training'),
    ),
)
val_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        **data,
        ann_file='panoptic_validation.json',
        data_prefix=dict(img_path='images/validation', seg_map_path='panoptic_validation'),
    ),
)
test_dataloader = val_dataloader
test_dataloader['dataset']['pipeline'] = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(128, 96), keep_ratio=True),
    dict(type='mmmaskformer.LoadPanopticAnnotations'),
    dict(type='mmmaskformer.PackSegmentInputs', with_semantic=True),
]
train_dataloader['dataset']['pipeline'] = [
    dict(type='mmmaskformer.LoadImageFromFile'),
    dict(type='mmmaskformer.LoadPanopticAnnotations'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomChoiceResize', scales=[64, 96], resize_type='ResizeShortestEdge', max_size=128),
    dict(type='mmmaskformer.PackSegmentInputs'),
]
val_evaluator = [
    dict(type='mmmaskformer.PanopticQuality'),
    dict(type='mmmaskformer.SemanticPanopticQuality'),
    dict(type='mmmaskformer.InstanceAP'),
    dict(type='IoUMetric', iou_metrics=['mIoU']),
]
test_evaluator = val_evaluator
model = dict(
    backbone=dict(depth=18, base_channels=8, stem_channels=8, init_cfg=None),
    decode_head=dict(num_classes=10, in_channels=[8, 16, 32, 64]),
    test_cfg=dict(instance=dict()),
)
train_cfg = dict(max_iters=2, val_interval=2)
work_dir = '{work_dir}'
"""


@pytest.fixture(scope='module')
def config(tmp_path_factory, root) -> Config:
    folder = tmp_path_factory.mktemp('panoptic')
    write_toy(folder / 'toy', ToyRecipe(num_training=4, num_validation=3, height=96, width=128))
    path = folder / 'config.py'
    path.write_text(CONFIG.format(root=root, data=folder / 'toy', work_dir=folder / 'work'))
    return Config.fromfile(path)


def test_train_and_evaluate(config):
    runner = Runner.from_cfg(config)
    with warnings.catch_warnings():
        warnings.simplefilter('error', UserWarning)
        warnings.filterwarnings('ignore', 'The draw is False')  # mmseg's hook for images
        runner.train()
    scores = runner.val_loop.run()
    assert {'PQ', 'PQ_th', 'PQ_st', 'PQ_sem', 'AP', 'mIoU'} <= set(scores)
    assert all(0 <= scores[name] <= 100 for name in ('PQ', 'PQ_sem', 'mIoU'))
    assert runner.model.dataset_meta['thing_classes'][0] == 'tree'


def test_ground_truth_as_prediction_is_perfect(config):
    """Pipeline, samples and metrics agree: the ground truth as prediction has PQ and mIoU 100."""
    runner = Runner.from_cfg(config)
    runner.val_evaluator.dataset_meta = runner.val_dataloader.dataset.metainfo
    for batch in runner.val_dataloader:
        for sample in batch['data_samples']:
            sample.pred_panoptic_seg = sample.gt_panoptic_seg
            sample.pred_segments_info = sample.gt_segments_info
            sample.pred_sem_seg = sample.gt_sem_seg
        runner.val_evaluator.metrics[0].process(batch, [s.to_dict() for s in batch['data_samples']])
        runner.val_evaluator.metrics[1].process(batch, [s.to_dict() for s in batch['data_samples']])
    for metric, name in zip(runner.val_evaluator.metrics, ('PQ', 'PQ_sem')):
        assert metric.evaluate(3)[name] == pytest.approx(100)
