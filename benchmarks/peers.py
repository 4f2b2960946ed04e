"""The models that are compared: ours and those of MMSegmentation and MMDetection, with one backbone."""

from __future__ import annotations

from mmengine.config import Config, ConfigDict
from mmengine.hub import get_config
from mmengine.registry import DefaultScope, init_default_scope
from torch import nn

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
PANOPTIC = (
    'configs/maskformer/r50_coco_panoptic.py',
    'mmdet::maskformer/maskformer_r50_ms-16xb1-75e_coco.py',
)
PANOPTIC_THINGS = 80


def build_pair(name: str, num_classes: int = 150) -> list[nn.Module]:
    """Our model and MMSegmentation's `EncoderDecoder` with its own `MaskFormerHead`.

    Both get our backbone, so that all differences come from the head and what follows it.
    """
    ours, theirs = _model(CONFIGS[name][0]), get_config(CONFIGS[name][1]).model
    theirs.backbone = ours.backbone
    ours.test_cfg.seg_logits = False  # what is compared is the way to a label map
    ours.decode_head.num_classes = theirs.decode_head.num_classes = num_classes
    theirs.decode_head.loss_cls.class_weight = [1.0] * num_classes + [0.1]
    init_default_scope('mmseg')
    return [MODELS.build(ours), MODELS.build(theirs)]


def build_panoptic_pair() -> list[nn.Module]:
    """Our panoptic model and MMDetection's, with one backbone."""
    ours, theirs = _model(PANOPTIC[0]), get_config(PANOPTIC[1]).model
    theirs.backbone = ours.backbone
    init_default_scope('mmseg')
    built = [MODELS.build(ours)]
    with DefaultScope.overwrite_default_scope('mmdet'):
        from mmdet.registry import MODELS as MMDET_MODELS
        from mmdet.utils import register_all_modules

        register_all_modules(init_default_scope=False)
        built.append(MMDET_MODELS.build(theirs))
    return built


def _model(path: str) -> ConfigDict:
    model = Config.fromfile(path).model
    model.backbone.init_cfg = None
    return model
