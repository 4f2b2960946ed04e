"""Which code base a checkpoint comes from, told by its tensors' names."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from . import efficientnet, huggingface, official, openmmlab, torchvision
from .rules import Rule


class Format(NamedTuple):
    """Names of one code base.

    Attributes:
        title: What messages call it.
        marks: Beginnings of names that it has, and those below it in the list have not.
        rules: The rename table for a checkpoint with these names.
        whole: Whether it holds whole models, or backbones alone.
        ours: Whether its names are those of our models already.
    """

    title: str
    marks: tuple[str, ...]
    rules: Callable[[Collection[str]], list[Rule]]
    whole: bool = True
    ours: bool = False


OURS = Format('mmmaskformer', ('decode_head.',), lambda _: [Rule('', '')], ours=True)
OFFICIAL = Format('official', ('sem_seg_head.',), official.official_rules)
HUGGINGFACE = Format('HuggingFace', ('model.pixel_level_module.',), huggingface.huggingface_rules)
FORMATS = [
    OFFICIAL,
    HUGGINGFACE,
    Format('MMDetection', ('panoptic_head.',), openmmlab.mmdet_rules),
    Format('MMSegmentation', ('decode_head.cls_embed.',), openmmlab.mmseg_rules),
    OURS,
    Format('MMPretrain', ('backbone.',), openmmlab.classifier_rules, whole=False, ours=True),
    Format('HuggingFace backbone', ('swin.', 'resnet.'), huggingface.backbone_rules, whole=False),
    Format('EfficientNet-Lite0', ('_conv_stem.',), efficientnet.lite0_rules, whole=False),
    Format('torchvision Swin', ('features.0.0.',), torchvision.torchvision_rules, whole=False),
    Format(
        'detectron2 or Swin backbone', ('res2.', 'patch_embed.proj.'), official.backbone_rules, whole=False
    ),
    Format(
        'OpenMMLab or torchvision backbone',
        ('layer1.', 'patch_embed.projection.'),
        openmmlab.backbone_rules,
        whole=False,
        ours=True,
    ),
]


def recognise(names: Collection[str]) -> Format | None:
    """The format of a checkpoint with these tensor names, None if it is none of those known."""
    found = (f for f in FORMATS if any(name.startswith(f.marks) for name in names))
    return next(found, None)
