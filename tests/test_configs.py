"""Every config builds what it names, and says what the paper's settings are."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.analysis import get_model_complexity_info
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DATASETS, HOOKS, METRICS, MODELS, init_default_scope
from torch import nn

import mmmaskformer  # noqa: F401

CONFIGS = Path(__file__).parents[1] / 'configs'
LEAVES = sorted(path for path in CONFIGS.glob('*/*.py') if path.parent.name != '_base_')
ENTRY_POINTS = {
    'r50_ade20k.py': 'maskformer_r50_8xb2-160k_ade20k-512x512.py',
    'swin_ade20k.py': 'maskformer_swin-t_8xb2-160k_ade20k-512x512.py',
    'r50_ade20k_panoptic.py': 'maskformer_r50_8xb2-720k_ade20k-panoptic-640x640.py',
    'r50_coco_panoptic.py': 'maskformer_r50_8xb8-554k_coco-panoptic.py',
    'swin_coco_panoptic.py': 'maskformer_swin-t_8xb8-554k_coco-panoptic.py',
    'r50_coco_instance.py': 'maskformer_r50_8xb8-554k_coco-instance.py',
    'r101_cityscapes.py': 'maskformer_r101_8xb2-90k_cityscapes-512x1024.py',
    'r50_cityscapes_panoptic.py': 'maskformer_r50_8xb2-90k_cityscapes-panoptic-512x1024.py',
    'r50_mapillary.py': 'maskformer_r50_8xb2-300k_mapillary-1280x1280.py',
    'r50_coco_stuff.py': 'maskformer_r50_8xb4-60k_coco-stuff10k-640x640.py',
    'r50_ade20k_full.py': 'maskformer_r50_8xb2-200k_ade20k-full-512x512.py',
}
# those of Mask2Former and EoMT, which are large, are built in test_mask2former_configs.py and
# test_eomt_configs.py
LARGE = (
    'max_deeplab_l_',
    'max_deeplab_s_8xb8-200k',
    'max_deeplab_s_8xb8-400k',
)  # as small ones, but for sizes
BUILT = [p for p in LEAVES if p.name not in ENTRY_POINTS and p.parent.name not in ('mask2former', 'eomt')]
BUILT = [path for path in BUILT if not path.name.startswith(LARGE) and path.name != 'lite0_toy.py']
SEMANTIC = [path for path in BUILT if 'panoptic' not in path.name and 'instance' not in path.name]
ADE20K = [path for path in SEMANTIC if '_ade20k-' in path.name and 'ade20k-full' not in path.name]
NORMS = (nn.LayerNorm, nn.GroupNorm, nn.modules.batchnorm._BatchNorm)

# learning rate, weight decay, learning rate of the backbone relative to the rest
CNN = (1e-4, 1e-4, 0.1)
SWIN = (6e-5, 1e-2, 1.0)
OPTIMISER = {
    'maskformer_r50_8xb2-160k_ade20k-512x512': CNN,
    'maskformer_r101_8xb2-160k_ade20k-512x512': CNN,
    'maskformer_r101c_8xb2-160k_ade20k-512x512': CNN,
    'maskformer_swin-t_8xb2-160k_ade20k-512x512': SWIN,
    'maskformer_swin-s_8xb2-160k_ade20k-512x512': SWIN,
    'maskformer_swin-b-in1k_8xb2-160k_ade20k-640x640': SWIN,
    'maskformer_swin-b-in22k_8xb2-160k_ade20k-640x640': SWIN,
    'maskformer_swin-l-in22k_8xb2-160k_ade20k-640x640': SWIN,
    'maskformer_r50_8xb8-554k_coco-panoptic': CNN,
    'maskformer_r101_8xb8-554k_coco-panoptic': CNN,
    'maskformer_r50_8xb8-554k_coco-instance': CNN,
    'maskformer_swin-t_8xb8-554k_coco-panoptic': SWIN,
    'maskformer_swin-l-in22k_8xb8-554k_coco-panoptic': SWIN,
    'maskformer_r50_8xb2-720k_ade20k-panoptic-640x640': CNN,
    'maskformer_r101_8xb2-90k_cityscapes-512x1024': CNN,
    'maskformer_r50_8xb4-60k_coco-stuff10k-640x640': CNN,
    'maskformer_r50_8xb2-200k_ade20k-full-512x512': CNN,
    'maskformer_r50_8xb2-300k_mapillary-1280x1280': CNN,
    'maskformer_r18_1xb4-1400i_camvid-192x256': (5e-4, 1e-4, 1.0),
    'maskformer_r18_1xb4-1400i_camvid-panoptic-192x256': (5e-4, 1e-4, 1.0),
}
# millions of parameters, and for some billions of multiply-adds at 512x512, of the paper
PUBLISHED_SIZE = {
    'maskformer_r50_8xb2-160k_ade20k-512x512': (41, 53),
    'maskformer_r101_8xb2-160k_ade20k-512x512': (60, None),
    'maskformer_r101c_8xb2-160k_ade20k-512x512': (60, None),
    'maskformer_swin-t_8xb2-160k_ade20k-512x512': (42, 55),
    'maskformer_swin-s_8xb2-160k_ade20k-512x512': (63, None),
    'maskformer_swin-b-in1k_8xb2-160k_ade20k-640x640': (102, None),
    'maskformer_swin-b-in22k_8xb2-160k_ade20k-640x640': (102, None),
    'maskformer_swin-l-in22k_8xb2-160k_ade20k-640x640': (212, None),
    'maskformer_r50_8xb8-554k_coco-panoptic': (45, None),
    'maskformer_r101_8xb8-554k_coco-panoptic': (64, None),
    'maskformer_swin-t_8xb8-554k_coco-panoptic': (42, None),
    'maskformer_swin-s_8xb8-554k_coco-panoptic': (63, None),
    'maskformer_swin-b-in22k_8xb8-554k_coco-panoptic': (102, None),
    'maskformer_swin-l-in22k_8xb8-554k_coco-panoptic': (212, None),
}


def name(path):
    return path.stem


def load(path):
    cfg = Config.fromfile(path)
    init_default_scope(cfg.default_scope)
    return cfg


@pytest.mark.parametrize('path', LEAVES, ids=name)
def test_leaf_is_short(path):
    assert len(path.read_text().splitlines()) <= 12


@pytest.mark.parametrize('entry_point', ENTRY_POINTS)
def test_entry_point_is_its_long_name(entry_point):
    folder = CONFIGS / 'maskformer'
    short, long = Config.fromfile(folder / entry_point), Config.fromfile(folder / ENTRY_POINTS[entry_point])
    assert short.to_dict() == long.to_dict()
    assert len((folder / entry_point).read_text().splitlines()) == 1


@pytest.fixture
def no_initial_weights(monkeypatch):
    """Parameters keep what their memory holds: drawing those of all models takes most of a minute."""
    for draw in ('uniform_', 'normal_', 'erfinv_'):
        monkeypatch.setattr(torch.Tensor, draw, lambda tensor, *_, **__: tensor)


@pytest.mark.usefixtures('no_initial_weights')
@pytest.mark.parametrize('path', BUILT, ids=name)
def test_model_and_optimiser(path):
    """Each trained parameter is in one group, with the learning rate and weight decay of the paper."""
    cfg = load(path)
    model = MODELS.build(cfg.model)
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    groups = {id(p): group for group in optim_wrapper.optimizer.param_groups for p in group['params']}
    trained = {n: p for n, p in model.named_parameters() if p.requires_grad}
    assert len(trained) == len(groups) == sum(len(g['params']) for g in optim_wrapper.optimizer.param_groups)
    if path.stem in PUBLISHED_SIZE:
        millions = sum(p.numel() for p in model.parameters()) / 1e6
        assert millions == pytest.approx(PUBLISHED_SIZE[path.stem][0], rel=0.02)
    if path.stem not in OPTIMISER:
        return
    lr, weight_decay, backbone_mult = OPTIMISER[path.stem]
    norms = {id(p) for module in model.modules() if isinstance(module, NORMS) for p in module.parameters()}
    for key, parameter in trained.items():
        group = groups[id(parameter)]
        undecayed = id(parameter) in norms or 'query_embed' in key or 'relative_position_bias_table' in key
        mult = backbone_mult if key.startswith('backbone.') else 1.0
        assert group['weight_decay'] == (0 if undecayed else weight_decay), key
        assert group['lr'] == pytest.approx(lr * mult), key
    assert optim_wrapper.clip_grad_kwargs == {'max_norm': 0.01, 'norm_type': 2}
    assert type(optim_wrapper.optimizer) is torch.optim.AdamW


@pytest.mark.parametrize(
    'path', [p for p in BUILT if '_r' in p.stem and ('ade20k' in p.stem or 'coco' in p.stem)], ids=name
)
def test_resnet_normalisation_is_frozen(path):
    """Statistics and affine parameters both, also in training mode; the convolutions are trained.

    DETR's first convolutions never are, and none while its mask head learns.
    """
    backbone = MODELS.build(load(path).model.backbone)
    backbone.train()
    norms = [m for m in backbone.modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms
    assert not any(m.training or m.weight.requires_grad or m.bias.requires_grad for m in norms)
    convolutions = [(key, m) for key, m in backbone.named_modules() if isinstance(m, nn.Conv2d)]
    frozen = {key.partition('.')[0] for key, m in convolutions if not m.weight.requires_grad}
    later = {'layer2', 'layer3', 'layer4'} if '-46k_' in path.stem else set()
    assert frozen == ({'conv1', 'layer1', *later} if path.parent.name == 'detr' else set())


@pytest.mark.parametrize('path', BUILT, ids=name)
def test_hooks_and_metrics(path):
    cfg = load(path)
    for hook in (cfg.default_hooks.checkpoint, *cfg.custom_hooks):
        HOOKS.build(hook)
    for evaluator in cfg.val_evaluator if isinstance(cfg.val_evaluator, list) else [cfg.val_evaluator]:
        METRICS.build(evaluator)


@pytest.fixture(scope='module')
def image(tmp_path_factory):
    """An image of 240x180 and its label map, as files."""
    folder = tmp_path_factory.mktemp('image')
    random = np.random.RandomState(0)
    cv2.imwrite(str(folder / 'image.jpg'), random.randint(0, 256, (180, 240, 3), np.uint8))
    cv2.imwrite(str(folder / 'label.png'), np.full((180, 240), 3, np.uint8))
    return {
        'img_path': str(folder / 'image.jpg'),
        'seg_map_path': str(folder / 'label.png'),
        'seg_fields': [],
    }


def pipeline_input(image, dataset_cfg):
    """What the data set of a config would give its pipeline for the image."""
    dataset = DATASETS.build({**dataset_cfg, 'lazy_init': True, 'pipeline': []})
    return {
        **image,
        'seg_fields': [],
        'label_map': dataset.label_map,
        'reduce_zero_label': dataset.reduce_zero_label,
    }


@pytest.mark.parametrize('path', SEMANTIC, ids=name)
def test_pipelines(path, image):
    cfg = load(path)
    for phase in ('train', 'val', 'test'):
        dataset_cfg = cfg[f'{phase}_dataloader'].dataset
        packed = Compose(dataset_cfg.pipeline)(pipeline_input(image, dataset_cfg))
        ground_truth = packed['data_samples'].gt_sem_seg
        types = [transform.type for transform in dataset_cfg.pipeline]
        if phase == 'train':
            height, width = cfg.crop_size
            if 'Pad' not in types:  # Cityscapes' images, twice as wide as high, are never smaller
                width = ground_truth.shape[1]
            assert tuple(packed['inputs'].shape[1:]) == (height, width) == ground_truth.shape
        else:  # evaluated at the size of the original
            assert ground_truth.shape == (180, 240)
            assert types[0] == 'LoadImageFromFile'  # the name MMSegmentation's inference looks for
            # its loader is looked for, too, and left out; ours passes images without labels
            assert {'LoadAnnotations', 'mmmaskformer.LoadAnnotations'} & set(types)
    if 'tta_pipeline' in cfg:
        packed = Compose(cfg.tta_pipeline)(pipeline_input(image, cfg.test_dataloader.dataset))
        assert [s.flip for s in packed['data_samples']] == [False, True] * (len(packed['inputs']) // 2)


def test_padding_of_small_crops_is_ignored(image):
    """An image smaller than the crop: 128 around the image, ignored labels, ADE20K's zero label reduced."""
    cfg = load(CONFIGS / 'maskformer' / 'r50_ade20k.py')
    dataset_cfg = cfg.train_dataloader.dataset
    pipeline = [
        t for t in dataset_cfg.pipeline if t.type not in ('RandomChoiceResize', 'PhotoMetricDistortion')
    ]
    packed = Compose(pipeline)(pipeline_input(image, dataset_cfg))
    labels = packed['data_samples'].gt_sem_seg.data[0]
    assert (labels[:180, :240] == 2).all()
    assert (labels[180:] == 255).all()
    assert (labels[:, 240:] == 255).all()
    assert (packed['inputs'][:, 180:] == 128).all()
    assert (packed['inputs'][:, :, 240:] == 128).all()


@pytest.mark.parametrize('path', ADE20K, ids=name)
def test_ade20k_settings(path):
    cfg = load(path)
    size = 640 if '640x640' in path.stem else 512
    train = cfg.train_dataloader.dataset.pipeline
    assert [t.type for t in train] == [
        'mmmaskformer.LoadImageFromFile',
        'mmmaskformer.LoadAnnotations',
        'RandomChoiceResize',
        'RandomCrop',
        'PhotoMetricDistortion',
        'RandomFlip',
        'Pad',
        'PackSegInputs',
    ]
    assert (train[2].scales[0], train[2].scales[-1]) == (size // 2, 2 * size)
    assert train[2].scales == [int(size * x * 0.1) for x in range(5, 21)]
    assert (train[2].resize_type, train[2].max_size) == ('ResizeShortestEdge', 4 * size)
    assert train[3].to_dict() == {'type': 'RandomCrop', 'crop_size': (size, size)}
    assert tuple(cfg.val_dataloader.dataset.pipeline[1].scale) == (4 * size, size)
    edges = {512: [256, 384, 512, 640, 768, 896], 640: [320, 480, 640, 800, 960, 1120]}[size]
    assert [tuple(t.scale) for t in cfg.tta_pipeline[1].transforms[0]] == [(7 * size, edge) for edge in edges]
    assert cfg.train_dataloader.batch_size * 8 == cfg.auto_scale_lr.base_batch_size == 16
    assert cfg.train_cfg.max_iters == 160000
    assert len(DATASETS.build({**cfg.val_dataloader.dataset, 'lazy_init': True}).metainfo['classes']) == 150


@pytest.mark.parametrize('stem', [stem for stem, size in PUBLISHED_SIZE.items() if size[1]])
def test_multiply_adds_of_the_paper(stem):
    cfg = load(CONFIGS / 'maskformer' / f'{stem}.py')
    model = MODELS.build(cfg.model).eval()
    flops = get_model_complexity_info(model, (3, 512, 512), show_table=False, show_arch=False)['flops']
    assert flops / 1e9 == pytest.approx(PUBLISHED_SIZE[stem][1], rel=0.05)


def test_swin_weights_fit():
    """MMSegmentation's and MMPretrain's Swin name their parameters alike: swin-b-in22k relies on it."""
    from mmpretrain.models import SwinTransformer
    from mmseg.models import SwinTransformer as MMSegSwin

    ours = SwinTransformer('tiny', out_indices=(0, 1, 2, 3)).state_dict()
    theirs = MMSegSwin().state_dict()
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}


def test_pipelines_for_other_sizes(tmp_path):
    """A user's config takes the pipelines' functions out of a second base."""
    bases = [str(CONFIGS / name) for name in ('maskformer/r50_ade20k.py', '_base_/datasets/pipelines.py')]
    (tmp_path / 'mine.py').write_text(
        f'_base_ = {bases}\n'
        "train_pipeline, test_pipeline, tta_pipeline = _base_.pop('pipelines').short_edges(\n"
        "    'semantic', 250, (240, 240), pad_val=dict(img=128, seg=255)\n"
        ')\n'
        'train_dataloader = dict(dataset=dict(pipeline=train_pipeline))\n'
    )
    cfg = Config.fromfile(tmp_path / 'mine.py')
    assert 'pipelines' not in cfg
    train = cfg.train_dataloader.dataset.pipeline
    assert (train[2].scales[0], train[2].scales[-1], train[2].max_size) == (125, 500, 1000)
    assert (train[3].crop_size, train[6].size) == ((240, 240), (240, 240))
    assert tuple(cfg.test_pipeline[1].scale) == (1000, 250)
    assert [edge.scale[1] for edge in cfg.tta_pipeline[1].transforms[0]] == [125, 187, 250, 312, 375, 437]
    assert 'train_pipeline' in Config.fromstring(cfg.pretty_text, '.py')


def test_runtime_keeps_what_mmsegmentation_says():
    cfg = Config.fromfile(CONFIGS / '_base_' / 'default_runtime.py')
    assert cfg.default_scope == 'mmseg'
    assert cfg.custom_imports.imports == ['mmmaskformer']
    hooks = [hook.type for hook in cfg.custom_hooks]
    assert hooks[:2] == ['mmmaskformer.CheckDatasetHook', 'mmmaskformer.ShareBuffersHook']


@pytest.mark.parametrize('path', LEAVES, ids=lambda path: path.name)
def test_cudnn_does_not_try_its_algorithms_for_each_size(path):
    """That takes seconds of a GPU for each size of images, in validation too."""
    assert not Config.fromfile(path).env_cfg.cudnn_benchmark
