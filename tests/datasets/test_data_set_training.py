"""Every data set: drawn in its own files, converted, and trained for two iterations by its config."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import data_trees
import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.registry import DATASETS, init_default_scope
from mmengine.runner import Runner
from mmengine.structures import InstanceData, PixelData

from mmmaskformer.datasets import converters

EDGE, CROP, CHANNELS = 64, (64, 64), 32


def as_they_are(root: Path, num_workers: int) -> None:
    """These files need no conversion."""


TREES: dict[str, tuple[Callable, Callable, str]] = {
    'maskformer/r101_cityscapes': (data_trees.draw_cityscapes, converters.write_cityscapes_labels, 'mIoU'),
    'maskformer/r50_cityscapes_panoptic': (
        data_trees.draw_cityscapes,
        converters.write_cityscapes_panoptic,
        'PQ',
    ),
    'maskformer/r50_coco_stuff': (data_trees.draw_coco_stuff10k, converters.write_coco_stuff10k, 'mIoU'),
    'maskformer/r50_mapillary': (data_trees.draw_mapillary, converters.check_mapillary, 'mIoU'),
    'maskformer/r50_ade20k_full': (data_trees.draw_ade20k_full, converters.write_ade20k_full, 'mIoU'),
    'mask2former/r50_ade20k_instance': (
        data_trees.draw_ade20k_instances,
        converters.write_ade20k_instances,
        'AP',
    ),
    'mask2former/r50_cityscapes_instance': (
        data_trees.draw_cityscapes,
        converters.write_cityscapes_instances,
        'AP',
    ),
    'mask2former/r50_mapillary_panoptic': (data_trees.draw_mapillary_panoptic, as_they_are, 'PQ'),
}
PERFECT = [name for name in TREES if name.startswith('mask2former')]


def shrink(pipeline: list) -> None:
    """The transforms of a pipeline as they are, for images of some dozens of pixels."""
    for transform in pipeline:
        if transform['type'] == 'RandomChoiceResize':
            transform.update(scales=[EDGE], max_size=4 * EDGE)
        elif transform['type'] == 'Resize':
            transform['scale'] = (EDGE, EDGE)
        elif transform['type'] == 'RandomCrop':
            transform['crop_size'] = CROP
        elif transform['type'] in ('Pad', 'mmmaskformer.PadSegments'):
            transform['size'] = CROP[::-1]


def small(config: Path, data: Path, work_dir: Path) -> Config:
    # written down seven times by a training, by yapf it would take longer than all the rest
    cfg = Config(Config.fromfile(config).to_dict(), format_python_code=False)
    for phase in ('train', 'val', 'test'):
        loader = cfg[f'{phase}_dataloader']
        loader.update(num_workers=0, persistent_workers=False)
        loader.dataset.data_root = str(data)
        shrink(loader.dataset.pipeline)
    cfg.model.backbone.update(depth=18, base_channels=8, stem_channels=8, init_cfg=None)
    cfg.model.decode_head.update(in_channels=[8, 16, 32, 64], num_queries=10)
    cfg.model.decode_head.update(small_parts(cfg.model.decode_head))
    cfg.train_cfg.update(max_iters=2, val_interval=2)
    cfg.work_dir = str(work_dir)
    return cfg


def small_parts(head: dict) -> dict:
    sizes = dict(channels=CHANNELS, num_layers=2, ffn_channels=CHANNELS)
    if head['type'] == 'mmmaskformer.Mask2FormerHead':
        return dict(
            pixel_decoder=dict(type='mmmaskformer.MSDeformAttnPixelDecoder', mask_channels=CHANNELS, **sizes),
            transformer_decoder=dict(type='mmmaskformer.Mask2FormerTransformerDecoder', **sizes),
            criterion=dict(type='mmmaskformer.Mask2FormerCriterion', num_points=64),
        )
    pixel_decoder = head.get('pixel_decoder', dict(type='mmmaskformer.FPNPixelDecoder'))
    return dict(
        pixel_decoder={**pixel_decoder, 'channels': CHANNELS, 'mask_channels': CHANNELS},
        transformer_decoder=dict(type='mmmaskformer.MaskFormerTransformerDecoder', **sizes),
    )


@pytest.mark.parametrize('name', TREES)
def test_train_and_evaluate(name, root, tmp_path):
    draw, convert, metric = TREES[name]
    data = draw(tmp_path / 'data')
    convert(data, num_workers=1)
    runner = Runner.from_cfg(small(root / 'configs' / f'{name}.py', data, tmp_path / 'work'))
    runner.train()
    losses = runner.message_hub.log_scalars['train/loss']
    assert losses.current() > 0
    scores = runner.message_hub.log_scalars[f'val/{metric}']
    assert 0 <= scores.current() <= 100


def predict_ground_truth(sample):
    """The ground truth but for crowds, as objects, segments and classes."""
    ids, found = sample.gt_panoptic_seg.data, [s for s in sample.gt_segments_info if not s['iscrowd']]
    masks = torch.stack([(ids == segment['id']).any(0) for segment in found])
    labels = torch.tensor([segment['category_id'] for segment in found])
    sample.pred_instances = InstanceData(labels=labels, scores=torch.ones(len(found)), masks=masks)
    sample.pred_panoptic_seg = PixelData(data=ids * masks.any(0))
    sample.pred_segments_info = [{**segment, 'score': 1.0} for segment in found]
    if 'gt_sem_seg' in sample:
        sample.pred_sem_seg = sample.gt_sem_seg


@pytest.mark.parametrize('name', PERFECT)
def test_a_perfect_prediction(name, root, tmp_path):
    draw, convert, metric = TREES[name]
    data = draw(tmp_path / 'data')
    convert(data, num_workers=1)
    cfg = small(root / 'configs' / f'{name}.py', data, tmp_path)
    init_default_scope(cfg.default_scope)
    dataset = DATASETS.build(cfg.val_dataloader.dataset)
    assert len(dataset.metainfo['classes']) == cfg.model.decode_head.num_classes
    samples = [dataset[place]['data_samples'] for place in range(len(dataset))]
    for sample in samples:
        predict_ground_truth(sample)
    evaluator = Evaluator(cfg.val_evaluator)
    evaluator.dataset_meta = dataset.metainfo
    evaluator.process(samples)
    assert evaluator.evaluate(len(samples))[metric] == pytest.approx(100)
