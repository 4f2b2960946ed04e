"""MaX-DeepLab of deeplab2: rename table of its TensorFlow variables, saved as ``.npz``.

TensorFlow's kernels are (height, width, in, out), ours (out, in, height, width). Its classes are things, then
stuff, as those of COCO here; void is its last class of slots, and its first of pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..rules import Format, Rule, Transform

NUM_HEADS = 8
KERNEL = Transform(lambda t: t.permute(3, 2, 0, 1), lambda t: t.permute(2, 3, 1, 0))
DEPTHWISE = Transform(lambda t: t.permute(2, 3, 0, 1), lambda t: t.permute(2, 3, 0, 1))
KERNEL_1D = Transform(lambda t: t.permute(2, 1, 0)[..., None], lambda t: t[..., 0].permute(2, 1, 0))
MATRIX = Transform(lambda t: t.T[..., None, None], lambda t: t[..., 0, 0].T)
LEADING_ONE = Transform(lambda t: t.squeeze(0), lambda t: t[None])
VOID_LAST = Transform(lambda t: t.roll(-1, 0), lambda t: t.roll(1, 0))
NORM = {'gamma': 'weight', 'beta': 'bias', 'moving_mean': 'running_mean', 'moving_variance': 'running_var'}


def _flat(*shape: int) -> Transform:
    """Statistics of several axes, in one."""
    return Transform(torch.flatten, lambda t: t.reshape(shape))


def _void_last_kernel(tensor: Tensor) -> Tensor:
    return KERNEL.read(tensor).roll(-1, 0)


def _void_first_kernel(tensor: Tensor) -> Tensor:
    return KERNEL.write(tensor.roll(1, 0))


def _norm(foreign: str, ours: str, transform: Transform | None = None) -> list[Rule]:
    return [Rule(f'{foreign}/{name}', f'{ours}.{part}', transform) for name, part in NORM.items()]


def _conv(foreign: str, ours: str, kernel: Transform = KERNEL) -> list[Rule]:
    """A convolution and its norm."""
    rule = Rule(f'{foreign}/_conv/kernel', f'{ours}.conv.weight', kernel)
    return [rule, *_norm(f'{foreign}/_batch_norm', f'{ours}.norm')]


def _separable(foreign: str, ours: str) -> list[Rule]:
    depthwise = f'{foreign}/_depthwise'
    kernel = Rule(f'{depthwise}/_depthwise_conv/depthwise_kernel', f'{ours}.0.conv.weight', DEPTHWISE)
    norm = _norm(f'{depthwise}/_batch_norm', f'{ours}.0.norm')
    return [kernel, *norm, *_conv(f'{foreign}/_pointwise', f'{ours}.1')]


def _axis(foreign: str, ours: str) -> list[Rule]:
    tables = {'query': 'query_positions', 'key': 'key_positions', 'value': 'value_positions'}
    return [
        Rule(f'{foreign}/qkv_kernel', f'{ours}.qkv.weight', MATRIX),
        *(Rule(f'{foreign}/_{name}_rpe/embeddings', f'{ours}.{table}') for name, table in tables.items()),
        *_norm(f'{foreign}/_batch_norm_qkv', f'{ours}.norm_qkv'),
        *_norm(f'{foreign}/_batch_norm_similarity', f'{ours}.norm_logits', _flat(3, 1, NUM_HEADS, 1, 1)),
        *_norm(
            f'{foreign}/_batch_norm_retrieved_output', f'{ours}.norm_values', _flat(2, 1, NUM_HEADS, 1, -1)
        ),
    ]


def _attention(foreign: str, ours: str) -> list[Rule]:
    values = _flat(1, NUM_HEADS, 1, -1)
    return [
        *_norm(f'{foreign}/_batch_norm_similarity', f'{ours}.norm_logits'),
        *_norm(f'{foreign}/_batch_norm_retrieved_value', f'{ours}.norm_values', values),
    ]


def _group(foreign: str, ours: str) -> list[Rule]:
    """Blocks of a stage, of any kind, and their dual-path layers."""
    block, our_block = f'{foreign}/_block{{j+1}}', f'{ours}.blocks.{{j}}'
    layer, our_layer = f'{block}_transformer', f'{ours}.dual_paths.{{j}}'
    convs = {'_conv1_bn_act': 'conv1', '_conv2_bn_act': 'conv2', '_conv2_bn': 'conv2', '_conv3_bn': 'conv3'}
    rules = [rule for name, part in convs.items() for rule in _conv(f'{block}/{name}', f'{our_block}.{part}')]
    rules += _conv(f'{block}/_shortcut', f'{our_block}.shortcut')
    for axis in ('height_axis', 'width_axis'):
        rules += _axis(f'{block}/_attention/_{axis}', f'{our_block}.{axis}')
    for path in ('pixel', 'memory'):
        for name, part in (('conv1_bn_act', 'conv1'), ('qkv_conv_bn', 'qkv'), ('conv3_bn', 'conv3')):
            rules += _conv(f'{layer}/_{path}_{name}', f'{our_layer}.{path}_{part}', KERNEL_1D)
        rules += _attention(f'{layer}/_{path}_attention', f'{our_layer}.{path}_attention')
    rules += _conv(f'{layer}/_memory_ffn_conv1_bn_act', f'{our_layer}.memory_ffn1', KERNEL_1D)
    return [*rules, *_conv(f'{layer}/_memory_ffn_conv2_bn', f'{our_layer}.memory_ffn2', KERNEL_1D)]


def _fuse(foreign: str) -> list[Rule]:
    names = (f'{foreign}/_{kind}_conv_bn1' for kind in ('resized', 'strided'))
    return [rule for name in names for rule in _conv(name, 'backbone.fuses.{i}.project')]


_STEP, _HEAD, _BRANCH = 'encoder/_decoder_stage{i+1}', 'decode_head.', 'decode_head.semantic_branch.'

ENCODER = [
    Rule('encoder/memory_feature', 'backbone.memory', LEADING_ONE),
    *_conv('encoder/_stem/_conv{i+1}_bn_act', 'backbone.stem.{i}'),
    *_conv('encoder/_stem/_conv3_bn', 'backbone.stem.2'),
    *_conv('encoder/_stem', 'backbone.stem.0'),
    *_group('encoder/_stage{i}', 'backbone.stages.{i}'),
    *_group('encoder/_stage5_extra', 'backbone.stage5_extra'),
    *_group(_STEP, 'backbone.backbone_decoder.{i}'),
    *_group(f'{_STEP}_extra', 'backbone.extra_decoder.{i}'),
    *_fuse(f'{_STEP}_extra_resized_fuse'),
    *_fuse(f'{_STEP}_resized_fuse'),
]
HEADS = [
    *_conv('encoder/_class_feature_extra', f'{_HEAD}class_feature', KERNEL_1D),
    *_conv('encoder/_mask_feature_extra', f'{_HEAD}mask_feature', KERNEL_1D),
    Rule('transformer_class_head/_conv/kernel', f'{_HEAD}class_embed.weight', KERNEL_1D),
    Rule('transformer_class_head/_conv/bias', f'{_HEAD}class_embed.bias'),
    *_conv('transformer_mask_head', f'{_HEAD}mask_embed', KERNEL_1D),
    *_separable('pixel_space_head/conv_block/_conv1_bn_act', f'{_HEAD}pixel_embed.0'),
    Rule('pixel_space_head/final_conv/kernel', f'{_HEAD}pixel_embed.1.weight', KERNEL),
    Rule('pixel_space_head/final_conv/bias', f'{_HEAD}pixel_embed.1.bias'),
    *_norm('pixel_space_feature_batch_norm', f'{_HEAD}pixel_embed.2'),
    *_norm('pixel_space_mask_batch_norm', f'{_HEAD}norm_masks'),
]
SEMANTIC_BRANCH = [
    *_conv('semantic_decoder/_aspp/_conv_bn_act', f'{_BRANCH}aspp.convs.0'),
    *_conv('semantic_decoder/_aspp/_aspp_conv{i}/_conv_bn_act', f'{_BRANCH}aspp.convs.{{i}}'),
    *_conv('semantic_decoder/_aspp/_aspp_pool/_conv_bn_act', f'{_BRANCH}aspp.pooled'),
    *_conv('semantic_decoder/_aspp/_proj_conv_bn_act', f'{_BRANCH}aspp.project'),
    *_conv('semantic_decoder/_low_level_conv{i+1}', f'{_BRANCH}low_convs.{{i}}'),
    *_separable('semantic_decoder/_fusion_conv{i+1}/_conv1_bn_act', f'{_BRANCH}fusions.{{i}}'),
    *_separable('semantic_head_without_last_layer/_conv1_bn_act', f'{_BRANCH}head'),
    Rule(
        'semantic_last_layer/kernel',
        f'{_BRANCH}classifier.weight',
        Transform(_void_last_kernel, _void_first_kernel),
    ),
    Rule('semantic_last_layer/bias', f'{_BRANCH}classifier.bias', VOID_LAST),
]
COUNTERS = [Rule(name, None) for name in ('global_step', 'save_counter', 'optimizer/')]

FORMATS = [
    Format(
        'deeplab2 MaX-DeepLab', ('encoder/memory_feature',), [*ENCODER, *HEADS, *SEMANTIC_BRANCH, *COUNTERS]
    )
]
