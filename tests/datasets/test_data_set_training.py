"""Every data set: drawn in its own files, converted, and trained for two iterations by its config."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import data_trees
import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from mmmaskformer.datasets import converters

EDGE, CROP, CHANNELS = 64, (64, 64), 32
TREES: dict[str, tuple[Callable, Callable, str]] = {
    'r101_cityscapes': (data_trees.draw_cityscapes, converters.write_cityscapes_labels, 'mIoU'),
    'r50_cityscapes_panoptic': (data_trees.draw_cityscapes, converters.write_cityscapes_panoptic, 'PQ'),
    'r50_coco_stuff': (data_trees.draw_coco_stuff10k, converters.write_coco_stuff10k, 'mIoU'),
    'r50_mapillary': (data_trees.draw_mapillary, converters.check_mapillary, 'mIoU'),
    'r50_ade20k_full': (data_trees.draw_ade20k_full, converters.write_ade20k_full, 'mIoU'),
}


def shrink(pipeline: list) -> None:
    """The transforms of a pipeline as they are, for images of some dozens of pixels."""
    for transform in pipeline:
        if transform['type'] == 'RandomChoiceResize':
            transform.update(scales=[EDGE], max_size=4 * EDGE)
        elif transform['type'] == 'Resize':
            transform['scale'] = (EDGE, EDGE)
        elif transform['type'] == 'RandomCrop':
            transform['crop_size'] = CROP
        elif transform['type'] == 'Pad':
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
    cfg.model.decode_head.transformer_decoder = dict(
        type='mmmaskformer.MaskFormerTransformerDecoder',
        channels=CHANNELS,
        num_layers=2,
        ffn_channels=CHANNELS,
    )
    pixel_decoder = cfg.model.decode_head.setdefault(
        'pixel_decoder', dict(type='mmmaskformer.FPNPixelDecoder')
    )
    pixel_decoder.update(channels=CHANNELS, mask_channels=CHANNELS)
    cfg.train_cfg.update(max_iters=2, val_interval=2)
    cfg.work_dir = str(work_dir)
    return cfg


@pytest.mark.parametrize('name', TREES)
def test_train_and_evaluate(name, root, tmp_path):
    draw, convert, metric = TREES[name]
    data = draw(tmp_path / 'data')
    convert(data, num_workers=1)
    runner = Runner.from_cfg(small(root / 'configs' / 'maskformer' / f'{name}.py', data, tmp_path / 'work'))
    runner.train()
    losses = runner.message_hub.log_scalars['train/loss']
    assert losses.current() > 0
    scores = runner.message_hub.log_scalars[f'val/{metric}']
    assert 0 <= scores.current() <= 100
