"""The models that are compared: ours and those of MMSegmentation and MMDetection, with one backbone."""

from __future__ import annotations

import importlib.util
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.hub import get_config
from mmengine.registry import DefaultScope, init_default_scope
from torch import Tensor, nn

import mmmaskformer  # noqa: F401
from mmmaskformer.registry import MODELS

CONFIGS = {
    'R50': (
        'configs/maskformer/r50_ade20k.py',
        'mmseg::maskformer/maskformer_r50-d32_8xb2-160k_ade20k-512x512.py',
    ),
    'Swin-T': (
        'configs/maskformer/swin_ade20k.py',
        'mmseg::maskformer/maskformer_swin-t_upernet_8xb2-160k_ade20k-512x512.py',
    ),
}
PANOPTIC_CONFIGS = {
    'R50': (
        'configs/maskformer/r50_coco_panoptic.py',
        'mmdet::maskformer/maskformer_r50_ms-16xb1-75e_coco.py',
    ),
    'Swin-T': (
        'configs/maskformer/swin_coco_panoptic.py',
        'mmdet::maskformer/maskformer_swin-l-p4-w12_64xb1-ms-300e_coco.py',
    ),
}
PANOPTIC_THINGS = 80
PANOPTIC_CLASSES = dict(
    classes=[str(i) for i in range(133)], thing_classes=[str(i) for i in range(PANOPTIC_THINGS)]
)
TINY_SIZE = (64, 64)
TINY_BACKBONES = {
    'mmpretrain.ResNet': (dict(depth=18, stem_channels=8, base_channels=8), [8, 16, 32, 64]),
    'mmpretrain.SwinTransformer': (
        dict(arch=dict(embed_dims=24, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2])),
        [24, 48, 96, 192],
    ),
}


def build_pair(name: str, num_classes: int = 150) -> list[nn.Module]:
    """Our model and MMSegmentation's `EncoderDecoder` with its own `MaskFormerHead`.

    Both get our backbone, so that all differences come from the head and what follows it.
    """
    return [build_semantic(who, name, num_classes) for who in ('ours', 'mmseg')]


def build_semantic(who: str, name: str, num_classes: int = 150, tiny: bool = False) -> nn.Module:
    """One model of :func:`build_pair`: ``'ours'`` or ``'mmseg'``; ``tiny`` narrows the backbone."""
    ours, theirs = _model(CONFIGS[name][0], tiny), get_config(CONFIGS[name][1]).model
    theirs.decode_head.in_channels = ours.decode_head.in_channels
    if tiny:
        theirs.data_preprocessor.size = TINY_SIZE  # else small images are padded to 512x512
    theirs.backbone = ours.backbone
    ours.test_cfg.seg_logits = False  # what is compared is the way to a label map
    ours.decode_head.num_classes = theirs.decode_head.num_classes = num_classes
    theirs.decode_head.loss_cls.class_weight = [1.0] * num_classes + [0.1]
    init_default_scope('mmseg')
    use_focal_loss_of_pytorch()
    return MODELS.build(ours if who == 'ours' else theirs)


def build_panoptic_pair(name: str = 'R50') -> list[nn.Module]:
    """Our panoptic model and MMDetection's, with one backbone."""
    return [build_panoptic(who, name) for who in ('ours', 'mmdet')]


def build_panoptic(who: str, name: str = 'R50', tiny: bool = False) -> nn.Module:
    """One model of :func:`build_panoptic_pair`: ``'ours'`` or ``'mmdet'``; ``tiny`` narrows the backbone."""
    ours, theirs = _model(PANOPTIC_CONFIGS[name][0], tiny), get_config(PANOPTIC_CONFIGS[name][1]).model
    theirs.backbone = ours.backbone
    theirs.panoptic_head.in_channels = ours.decode_head.in_channels
    init_default_scope('mmseg')
    return MODELS.build(ours) if who == 'ours' else _build_of_mmdet(theirs)


def build_mask2former(who: str) -> nn.Module:
    """Mask2Former R50 for panoptic maps of COCO, ``'ours'`` or ``'mmdet'``, with one backbone."""
    ours = _model('configs/mask2former/r50_coco_panoptic.py')
    theirs = get_config('mmdet::mask2former/mask2former_r50_8xb2-lsj-50e_coco-panoptic.py').model
    theirs.backbone = ours.backbone
    theirs.data_preprocessor.pop('batch_augments')  # padding to 1024x1024
    theirs.test_cfg.instance_on = False
    ours.test_cfg = dict(mode='whole', semantic=False, panoptic=ours.test_cfg.panoptic)  # as theirs
    init_default_scope('mmseg')
    if who != 'ours':
        return _build_of_mmdet(theirs)
    model = MODELS.build(ours)
    model.dataset_meta = PANOPTIC_CLASSES
    return model


def _build_of_mmdet(config: ConfigDict) -> nn.Module:
    use_focal_loss_of_pytorch()
    with DefaultScope.overwrite_default_scope('mmdet'):
        from mmdet.registry import MODELS as MMDET_MODELS
        from mmdet.utils import register_all_modules

        register_all_modules(init_default_scope=False)
        return MMDET_MODELS.build(config)


def use_focal_loss_of_pytorch() -> None:
    """Let mmdet's focal loss run on a GPU with mmcv-lite, which has no CUDA operator for it.

    It computes the same as on a CPU, with a comparison in place of int64 one-hot targets.
    """
    if importlib.util.find_spec('mmcv._ext') is None:
        from mmdet.models.losses import focal_loss

        focal_loss.sigmoid_focal_loss = focal_loss_of_pytorch


def focal_loss_of_pytorch(pred: Tensor, target: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """mmdet's ``sigmoid_focal_loss`` of logits ``(N, K)`` and labels ``(N,)``, where K means no class."""
    from mmdet.models.losses.focal_loss import py_sigmoid_focal_loss

    classes = target.new_tensor(range(pred.shape[1]))
    return py_sigmoid_focal_loss(pred, target[:, None] == classes, *args, **kwargs)


def _model(path: str, tiny: bool = False) -> ConfigDict:
    model = Config.fromfile(path).model
    model.backbone.init_cfg = None
    if tiny:
        changes, channels = TINY_BACKBONES[model.backbone.type]
        model.backbone.update(changes)
        model.decode_head.in_channels = channels
    return model
