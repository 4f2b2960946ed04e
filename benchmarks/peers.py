"""The models that are compared: ours and MMSegmentation's, with one backbone."""

from __future__ import annotations

from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope
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


def build_pair(name: str) -> dict[str, nn.Module]:
    """Our model and MMSegmentation's `EncoderDecoder` with its own `MaskFormerHead`, by label.

    Both get our backbone, so that all differences come from the head and what follows it.
    """
    ours, theirs = (_model_config(path) for path in CONFIGS[name])
    ours.backbone.init_cfg = None
    theirs.backbone = ours.backbone
    init_default_scope('mmseg')
    return {'ours': MODELS.build(ours), 'mmseg': MODELS.build(theirs)}


def _model_config(path: str) -> ConfigDict:
    return Config.fromfile(path).model if '::' not in path else _installed(path).model


def _installed(path: str) -> Config:
    package, relative = path.split('::')
    from mmengine.hub import get_config

    return get_config(f'{package}::{relative}')
