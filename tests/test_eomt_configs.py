"""EoMT's configs: the published settings, and images as its models expect them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmmaskformer.registry import MODELS, TRANSFORMS
from mmmaskformer.zoo.metafiles import inherits_alone

FOLDER = Path(__file__).parents[1] / 'configs' / 'eomt'
LEAVES = [path for path in sorted(FOLDER.glob('*.py')) if inherits_alone(path) is None]
ITERATIONS = {'20k': 19902, '39k': 39120, '89k': 88692, '177k': 177384}
WIDTHS = {'vit-s': 384, 'vit-b': 768, 'vit-l': 1024}


def load(path: Path) -> Config:
    config = Config.fromfile(path)
    init_default_scope(config.default_scope)
    return config


@pytest.mark.parametrize('path', LEAVES, ids=lambda path: path.stem)
def test_settings(path):
    """Size of the image and of the model, queries, blocks, schedule, and windows or padded squares."""
    config = load(path)
    _, backbone, schedule, data = path.stem.split('_')
    model, side = config.model, int(data.rsplit('x', 1)[1])
    assert config.train_cfg.max_iters == ITERATIONS[schedule.split('-')[1]]
    assert config.param_scheduler[0].end == config.train_cfg.max_iters
    assert model.backbone.img_size == (side, side)
    assert model.decode_head.in_channels == [WIDTHS[backbone]]
    blocks = 4 if backbone == 'vit-l' else 3
    assert model.backbone.get('num_query_blocks', 4) == model.decode_head.get('num_query_blocks', 4) == blocks
    assert f'vit{backbone[-1]}14_reg4' in model.backbone.init_cfg.checkpoint
    assert config.custom_hooks[-1].type == 'mmmaskformer.MaskAnnealingHook'
    panoptic = 'panoptic' in data
    assert model.decode_head.num_queries == (200 if panoptic else 100)
    assert model.test_cfg.mode == ('whole' if panoptic else 'slide')
    assert model.data_preprocessor.get('size') == ((side, side) if panoptic else None)
    steps = {step['type']: step for step in config.train_dataloader.dataset.pipeline}
    assert steps['RandomResize'].ratio_range == ((0.1, 2.0) if panoptic else (0.5, 2.0))
    assert steps['RandomResize'].scale == steps['RandomCrop'].crop_size == (side, side)
    assert ('PhotoMetricDistortion' in steps) == ('coco' not in data)
    assert steps['Pad'].pad_val == dict(img=0, seg=0 if panoptic else 255)


def test_rates_of_the_small_model():
    """Twelve blocks: 0.8 to the power of 11 for the first block and the stem; all parameters decay."""
    config = load(FOLDER / 'vit-s_ade20k.py')
    config.model.backbone.init_cfg = None
    model = MODELS.build(config.model)
    groups = build_optim_wrapper(model, config.optim_wrapper).optimizer.param_groups
    rates = {name: group['lr'] for group in groups for name in group['param_names']}
    assert rates['backbone.layers.0.attn.qkv.weight'] == pytest.approx(1e-4 * 0.8**11)
    assert rates['backbone.patch_embed.projection.bias'] == pytest.approx(1e-4 * 0.8**11)
    assert rates['backbone.layers.11.attn.qkv.weight'] == rates['decode_head.query_embed.weight'] == 1e-4
    assert all(group['weight_decay'] == 0.05 for group in groups)
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(23.7, abs=0.1)


def test_an_image_fits_a_black_square():
    """An image of 480x640 is tested at 480x640 in a square of 640, which is black below it."""
    config = load(FOLDER / 'vit-s_coco_panoptic.py')
    (resize,) = [step for step in config.test_pipeline if step.type == 'Resize']
    image = torch.full((240, 320, 3), 128, dtype=torch.uint8).numpy()
    resized = TRANSFORMS.build(resize)(dict(img=image))['img']
    assert resized.shape == (480, 640, 3)
    preprocessor = MODELS.build(config.model.data_preprocessor)
    one = torch.from_numpy(resized.copy()).permute(2, 0, 1)
    label_map = PixelData(data=torch.zeros(1, 480, 640, dtype=torch.int64))
    for training in (False, True):
        batch = preprocessor(
            dict(inputs=[one], data_samples=[SegDataSample(gt_sem_seg=label_map)]), training=training
        )
        (square,) = batch['inputs']
        assert square.shape == (3, 640, 640)
        black = -preprocessor.mean / preprocessor.std
        torch.testing.assert_close(square[:, 480:], black.expand(3, 160, 640))
        gray = (128 - preprocessor.mean) / preprocessor.std
        torch.testing.assert_close(square[:, :480], gray.expand(3, 480, 640))
    assert batch['data_samples'][0].gt_sem_seg.data[0, 480:].eq(255).all()


def test_windows_of_the_published_models():
    """Up to twice as long as high, windows begin at both ends, as in the official code."""
    config = load(FOLDER / 'vit-l_ade20k.py')
    assert config.model.test_cfg.crop_size == config.model.test_cfg.stride == (512, 512)
    (resize,) = [step for step in config.test_pipeline if step.type == 'Resize']
    image = torch.zeros((300, 500, 3), dtype=torch.uint8).numpy()
    assert TRANSFORMS.build(resize)(dict(img=image))['img'].shape[:2] == (512, 853)
