"""Configs of Mask2Former: the published settings, of each kind of model once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS, init_default_scope
from torch import nn

from mmmaskformer.zoo.metafiles import inherits_alone

FOLDER = Path(__file__).parents[1] / 'configs' / 'mask2former'
LEAVES = [path for path in sorted(FOLDER.glob('*.py')) if inherits_alone(path) is None]
NORMS = (nn.LayerNorm, nn.GroupNorm, nn.modules.batchnorm._BatchNorm)
SCHEDULES = {'369k': (368750, [327778, 355092]), '738k': (737500, [655556, 710184])}
# classes, crop, shorter edge, scale in testing, whether small crops are padded, test_cfg
CROPPED = {
    'r50_ade20k_instance': (100, (640, 640), 640, (2560, 640), True, dict(instance=dict(max_per_image=100))),
    'r50_cityscapes_instance': (
        *(8, (512, 1024), 1024, (2048, 1024), False),
        dict(instance=dict(max_per_image=100)),
    ),
    'r50_mapillary_panoptic': (
        *(65, (1024, 1024), 2048, (2048, 2048), True),
        dict(panoptic=dict(score_thr=0.0), postprocess='before'),
    ),
}
TASKS = ('panoptic', 'instance')  # 200 queries with Swin-L


def load(path: Path) -> Config:
    config = Config.fromfile(path)
    init_default_scope(config.default_scope)
    return config


def test_short_names_inherit_what_is_there():
    short = [path for path in FOLDER.glob('*.py') if path not in LEAVES]
    assert len(short) == 12
    assert all((FOLDER / f'{inherits_alone(path)}.py').is_file() for path in short)
    assert len(LEAVES) == 47


@pytest.mark.parametrize('path', LEAVES, ids=lambda path: path.stem)
def test_settings(path):
    config = load(path)
    _, backbone, schedule, data = path.stem.split('_')
    iterations = schedule.split('-')[1]
    milestones = [one.milestones for one in config.param_scheduler if 'milestones' in one]
    if iterations in SCHEDULES:
        assert (config.train_cfg.max_iters, milestones) == (
            SCHEDULES[iterations][0],
            [SCHEDULES[iterations][1]],
        )
    else:
        assert config.train_cfg.max_iters == 1000 * int(iterations[:-1])
        assert [one.type for one in config.param_scheduler] == ['PolyLR']
    assert config.train_dataloader.batch_size * 8 == config.auto_scale_lr.base_batch_size == 16
    queries = 200 if backbone == 'swin-l-in22k' and any(task in data for task in TASKS) else 100
    assert config.model.decode_head.num_queries == queries
    assert config.model.data_preprocessor.size_divisor == 32


@pytest.mark.parametrize('name', CROPPED)
def test_crops(name):
    num_classes, crop, edge, test_scale, padded, test_cfg = CROPPED[name]
    config = load(FOLDER / f'{name}.py')
    train = {t.type.split('.')[-1]: t for t in config.train_dataloader.dataset.pipeline}
    assert train['RandomChoiceResize'].scales == [int(edge * tenths * 0.1) for tenths in range(5, 21)]
    assert train['RandomChoiceResize'].max_size == 4 * edge
    assert train['RandomCrop'].crop_size == crop
    pad = [
        (t.size, t.get('img_pad_val') or t.pad_val.img) for key, t in train.items() if key.startswith('Pad')
    ]
    assert pad == ([(crop, 128)] if padded else [])
    assert 'PhotoMetricDistortion' in train
    for loader in (config.val_dataloader, config.test_dataloader):
        assert loader.dataset.pipeline[1].scale == test_scale
    assert config.model.decode_head.num_classes == num_classes
    assert {key: config.model.test_cfg[key] for key in test_cfg} == test_cfg
    learned_norm = name == 'r50_cityscapes_instance'
    assert (config.model.backbone.norm_cfg.type == 'SyncBN') == learned_norm


@pytest.mark.parametrize(
    ('name', 'millions'),
    [
        ('mask2former_r50_8xb2-369k_coco-panoptic', 43.98),
        ('mask2former_swin-t_8xb2-369k_coco-panoptic', 47.44),
        ('mask2former_r50_8xb2-90k_cityscapes-512x1024', None),
    ],
)
def test_model_and_optimiser(name, millions):
    """Norms, embeddings and position tables do not decay, and the backbone has a tenth of the rate."""
    config = load(FOLDER / f'{name}.py')
    model = MODELS.build(config.model)
    if millions:
        trained = sum(p.numel() for p in model.parameters()) / 1e6
        assert trained == pytest.approx(millions, rel=0.002)
    wrapper = build_optim_wrapper(model, config.optim_wrapper)
    groups = {id(p): group for group in wrapper.optimizer.param_groups for p in group['params']}
    undecayed = {
        id(p) for m in model.modules() if isinstance(m, (*NORMS, nn.Embedding)) for p in m.parameters()
    }
    for key, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        group = groups[id(parameter)]
        free = id(parameter) in undecayed or 'relative_position_bias_table' in key
        assert group['weight_decay'] == (0 if free else 0.05), key
        assert group['lr'] == pytest.approx(1e-5 if key.startswith('backbone.') else 1e-4), key
    assert wrapper.clip_grad_kwargs == {'max_norm': 0.01, 'norm_type': 2}


@pytest.mark.parametrize('task', ['panoptic', 'instance'])
def test_large_scale_jitter(task):
    """From a tenth to twice the size: squares of 1024, grey and void around small images."""
    config = load(FOLDER / f'r50_coco_{task}.py')
    steps = config.train_dataloader.dataset.pipeline[2:-1]
    pipeline, areas = Compose(steps), []
    for seed in range(6):
        np.random.seed(seed)
        image = np.random.randint(0, 100, (480, 640, 3), np.uint8)
        shape = (480, 640) if task == 'panoptic' else (480, 640, 5)  # layers of overlapping objects
        results = dict(img=image, img_shape=(480, 640), ori_shape=(480, 640))
        results.update(gt_seg_map=np.ones(shape, np.uint8), seg_fields=['gt_seg_map'])
        jittered = pipeline(results)
        assert jittered['img'].shape == (1024, 1024, 3)
        assert jittered['gt_seg_map'].shape[:2] == (1024, 1024)
        id_map = jittered['gt_seg_map'].reshape(1024, 1024, -1)[..., 0]
        assert (jittered['img'][id_map == 0] == 128).all()
        areas.append(int(id_map.sum()))
    assert min(areas) < 300_000
    assert max(areas) > 700_000
