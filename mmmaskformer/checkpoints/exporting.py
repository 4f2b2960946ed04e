"""Export models to the official format and to HuggingFace's."""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from torch import Tensor, nn

from .detr_export import detr_settings, detr_state, write_official_detr
from .eomt_export import eomt_preprocessor, eomt_settings
from .mask2former_settings import mask2former_settings
from .reading import import_safetensors
from .rules import Format, restore
from .tables import eomt, mask2former
from .tables.huggingface import HUGGINGFACE
from .tables.official import OFFICIAL

STAGES = ['stem', 'stage1', 'stage2', 'stage3', 'stage4']
STRIDES = (1, 2, 2, 2)


def write_official(model: nn.Module, destination: str | Path) -> None:
    """Write a ``.pkl`` that the official implementation loads with ``MODEL.WEIGHTS``.

    DETR's official code loads a ``.pth`` with ``--resume`` or ``--frozen_weights``, which is written for it.

    Raises:
        ValueError: The official implementation does not support the model.
    """
    if _is_detr(model):
        write_official_detr(model, destination)
        return
    if _is_eomt(model):
        raise ValueError('an EoMT is not written in the official format: choose huggingface')
    state = _restored(model, mask2former.OFFICIAL if _is_mask2former(model) else OFFICIAL)
    arrays = {name: tensor.numpy() for name, tensor in state.items() if not _idle_counter(name, tensor)}
    path = Path(destination)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps({'model': arrays, '__author__': 'mmmaskformer'}))


def write_huggingface(
    model: nn.Module, config: Config, classes: Sequence[str] | None, destination: str | Path
) -> None:
    """Write a folder for ``from_pretrained`` of HuggingFace's MaskFormer, Mask2Former, EoMT or DETR.

    Args:
        model: The segmentor.
        config: Its config.
        classes: Names of the classes, if they are known.
        destination: The folder, created if needed.

    Raises:
        ValueError: HuggingFace does not support the model.
    """
    settings = huggingface_config(model, classes)
    successor = _is_mask2former(model)
    if _is_detr(model):
        _write_folder(destination, detr_state(model), settings, _preprocessor(config, 'Detr'))
        return
    if _is_eomt(model):
        preparation = {**_preprocessor(config, 'Eomt'), **eomt_preprocessor(model)}
        del preparation['size_divisor']
        _write_folder(destination, _restored(model, eomt.HUGGINGFACE), settings, preparation)
        return
    state = _restored(model, mask2former.HUGGINGFACE if successor else HUGGINGFACE)
    swin = settings['backbone_config']['model_type'] == 'swin'
    if swin and not successor:  # a norm whose output is not used
        width = settings['backbone_config']['hidden_size']
        norm = HUGGINGFACE.marks[0] + 'encoder.model.layernorm.'
        state.update({norm + 'weight': torch.ones(width), norm + 'bias': torch.zeros(width)})
    _write_folder(
        destination, state, settings, _preprocessor(config, 'Mask2Former' if successor else 'MaskFormer')
    )


def _write_folder(
    destination: str | Path, state: dict[str, Tensor], settings: dict, preparation: dict
) -> None:
    folder = Path(destination)
    folder.mkdir(parents=True, exist_ok=True)
    contiguous = {name: tensor.contiguous().clone() for name, tensor in state.items()}
    data = import_safetensors().save(contiguous, metadata={'format': 'pt'})
    (folder / 'model.safetensors').write_bytes(data)
    (folder / 'config.json').write_text(json.dumps(settings, indent=2) + '\n')
    (folder / 'preprocessor_config.json').write_text(json.dumps(preparation, indent=2) + '\n')


def huggingface_config(model: nn.Module, classes: Sequence[str] | None = None) -> dict[str, Any]:
    """HuggingFace's ``config.json`` of a model.

    Raises:
        ValueError: HuggingFace does not support the model; the message names the reason.
    """
    head: Any = model.decode_head
    if _is_detr(model):
        return detr_settings(model, classes)
    if not _is_eomt(model):
        _check_representable(model)
    names = list(classes or (f'LABEL_{i}' for i in range(head.num_classes)))
    return dict(
        **_settings(model),
        torch_dtype='float32',
        id2label={str(i): name for i, name in enumerate(names)},
        label2id={name: i for i, name in enumerate(names)},
    )


def _settings(model: Any) -> dict[str, Any]:
    if _is_eomt(model):
        return eomt_settings(model)
    settings = mask2former_settings if _is_mask2former(model) else _maskformer_settings
    return dict(**settings(model.decode_head), backbone_config=_backbone_config(model.backbone))


def _is_detr(model: nn.Module) -> bool:
    return type(model.decode_head).__name__ == 'DETRHead'


def _is_eomt(model: nn.Module) -> bool:
    return type(model.decode_head).__name__ == 'EoMTHead'


def _is_mask2former(model: nn.Module) -> bool:
    return type(model.decode_head).__name__ == 'Mask2FormerHead'


def _maskformer_settings(head: Any) -> dict[str, Any]:
    queries, criterion = head.transformer_decoder, head.criterion
    layer = queries.layers[0]
    return dict(
        architectures=['MaskFormerForInstanceSegmentation'],
        model_type='maskformer',
        decoder_config=dict(
            model_type='detr',
            d_model=queries.channels,
            decoder_layers=len(queries.layers),
            decoder_attention_heads=layer.self_attn.num_heads,
            decoder_ffn_dim=layer.ffn[0].out_features,
            encoder_layers=0,
            encoder_attention_heads=layer.self_attn.num_heads,
            num_queries=queries.query_embed.num_embeddings,
            activation_function='relu',
            dropout=layer.dropout.p,
            attention_dropout=layer.self_attn.dropout,
            activation_dropout=layer.ffn[2].p,
        ),
        fpn_feature_size=head.pixel_decoder.mask_features.in_channels,
        mask_feature_size=head.pixel_decoder.mask_channels,
        no_object_weight=criterion.loss_cls.no_object_weight,
        cross_entropy_weight=criterion.loss_cls.loss_weight,
        mask_weight=criterion.loss_mask.loss_weight,
        dice_weight=criterion.loss_dice.loss_weight,
    )


def _check_representable(model: nn.Module) -> None:
    head, backbone = model.decode_head, model.backbone
    strides = tuple(getattr(backbone, 'strides', STRIDES))
    groups = {module.num_groups for module in model.modules() if isinstance(module, nn.GroupNorm)}
    reasons = {
        type(head).__name__: type(head).__name__ not in ('MaskFormerHead', 'Mask2FormerHead'),
        type(backbone).__name__: type(backbone).__name__ not in ('ResNet', 'SwinTransformer'),
        'a transformer encoder in the pixel decoder': not _is_mask2former(model)
        and hasattr(getattr(head, 'pixel_decoder', None), 'layers'),
        'a deep stem': getattr(backbone, 'deep_stem', False),
        f'a backbone with strides {strides}': strides != STRIDES,
        f'group norms of {groups} groups': groups != {32},
    }
    reason = next((reason for reason, applies in reasons.items() if applies), None)
    if reason:
        raise ValueError(f"HuggingFace's MaskFormer has no {reason}, so this model cannot be written as one")


def _backbone_config(backbone: Any) -> dict[str, Any]:
    common = dict(out_features=STAGES[1:], out_indices=[1, 2, 3, 4], stage_names=STAGES)
    if type(backbone).__name__ == 'SwinTransformer':
        attention = backbone.stages[0].blocks[0].attn
        return dict(
            **common,
            model_type='swin',
            embed_dim=backbone.embed_dims,
            hidden_size=backbone.embed_dims * 8,
            depths=list(backbone.depths),
            num_heads=list(backbone.num_heads),
            window_size=attention.window_size,
            image_size=backbone.patch_embed.init_input_size[0],
            mlp_ratio=backbone.stages[0].blocks[0].ffn.feedforward_channels / backbone.embed_dims,
            drop_path_rate=_last_drop_path(backbone),
            layer_norm_eps=backbone.norm0.eps,
        )
    widths = [getattr(backbone, name)[-1] for name in backbone.res_layers]
    return dict(
        **common,
        model_type='resnet',
        embedding_size=backbone.conv1.out_channels,
        hidden_sizes=[_out_channels(block) for block in widths],
        depths=list(backbone.stage_blocks),
        layer_type='bottleneck' if hasattr(widths[0], 'conv3') else 'basic',
        hidden_act='relu',
        downsample_in_first_stage=False,
    )


def _out_channels(block: Any) -> int:
    return (block.conv3 if hasattr(block, 'conv3') else block.conv2).out_channels


def _last_drop_path(backbone: Any) -> float:
    """The rate of the config, which the last block has: rates grow linearly with depth."""
    return float(getattr(backbone.stages[-1].blocks[-1].ffn.dropout_layer, 'drop_prob', 0.0) or 0.0)


def _preprocessor(config: Config, kind: str) -> dict[str, Any]:
    """Normalization, and the size at which the config tests."""
    steps = config.get('test_pipeline') or []
    scale = next((step['scale'] for step in steps if step.get('type') == 'Resize' and 'scale' in step), None)
    preprocessor = config.model.data_preprocessor
    size = dict(shortest_edge=min(scale), longest_edge=max(scale)) if scale else None
    return dict(
        image_processor_type=f'{kind}ImageProcessor',
        do_resize=size is not None,
        **({'size': size} if size else {}),
        size_divisor=preprocessor.get('size_divisor') or 0,
        do_rescale=True,
        rescale_factor=1 / 255,
        do_normalize=True,
        image_mean=[value / 255 for value in preprocessor.mean],
        image_std=[value / 255 for value in preprocessor.std],
        ignore_index=255,
        do_reduce_labels=False,
    )


def _restored(model: nn.Module, target: Format) -> dict[str, Tensor]:
    """The tensors, on the CPU, under the format's names, and those that the format derives from settings."""
    own = {name: tensor.cpu() for name, tensor in model.state_dict().items()}
    try:
        state = restore(own, target.table(own))
    except ValueError as error:
        raise ValueError(f'the model cannot be written as {target.title}: {error}') from None
    head: Any = model.decode_head
    if hasattr(head, 'criterion'):
        weights = torch.ones(head.num_classes + 1)
        weights[-1] = head.criterion.loss_cls.no_object_weight
        state['criterion.empty_weight'] = weights
    return state


def _idle_counter(name: str, tensor: Tensor) -> bool:
    """Whether it is the batch counter of a frozen norm, which official frozen norms do not have."""
    return name.endswith('num_batches_tracked') and not tensor.any()
