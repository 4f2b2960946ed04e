"""DETR as its official code and HuggingFace read it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .rules import Format, restore
from .tables import detr

NO_CLASS = 'N/A'


def write_official_detr(model: nn.Module, destination: str | Path) -> None:
    """Write a ``.pth`` for ``--resume``; of a model of boxes alone, also for ``--frozen_weights``.

    Raises:
        ValueError: The official code has no such model.
    """
    path = Path(destination)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({'model': _restored(model, detr.OFFICIAL)}, path)


def detr_state(model: nn.Module) -> dict[str, Tensor]:
    """The tensors for HuggingFace's ``DetrForSegmentation``, or ``DetrForObjectDetection`` without masks.

    Raises:
        ValueError: HuggingFace has no such model.
    """
    return _restored(model, detr.HUGGINGFACE)


def detr_settings(model: nn.Module, classes: Sequence[str] | None = None) -> dict[str, Any]:
    """HuggingFace's ``config.json`` of a DETR.

    Raises:
        ValueError: HuggingFace has no such model.
    """
    head: Any = model.decode_head
    backbone: Any = model.backbone
    depth, dilated = getattr(backbone, 'depth', None), tuple(getattr(backbone, 'strides', ())) != (1, 2, 2, 2)
    if depth not in (50, 101) or getattr(backbone, 'deep_stem', False):
        raise ValueError(
            f"HuggingFace's DETR has ResNet-50 or ResNet-101, so this model with "
            f'{type(backbone).__name__} cannot be written as one'
        )
    encoder, decoder = head.encoder.layers, head.transformer_decoder.layers
    columns = head.class_columns or range(head.num_classes)
    names = dict(zip(columns, classes or [f'LABEL_{i}' for i in range(head.num_classes)]))
    labels = [names.get(column, NO_CLASS) for column in range(head.num_columns)]
    return dict(
        architectures=['DetrForSegmentation' if head.predicts_masks else 'DetrForObjectDetection'],
        model_type='detr',
        torch_dtype='float32',
        use_timm_backbone=True,
        use_pretrained_backbone=False,
        backbone=f'resnet{depth}',
        dilation=dilated,
        d_model=head.encoder.channels,
        num_queries=head.transformer_decoder.query_embed.num_embeddings,
        encoder_layers=len(encoder),
        decoder_layers=len(decoder),
        encoder_attention_heads=encoder[0].self_attn.num_heads,
        decoder_attention_heads=decoder[0].self_attn.num_heads,
        encoder_ffn_dim=encoder[0].ffn[0].out_features,
        decoder_ffn_dim=decoder[0].ffn[0].out_features,
        dropout=decoder[0].dropout.p,
        attention_dropout=decoder[0].self_attn.dropout,
        activation_dropout=decoder[0].ffn[2].p,
        eos_coefficient=head.criterion.loss_cls.no_object_weight,
        id2label={str(i): label for i, label in enumerate(labels)},
        label2id={label: i for i, label in enumerate(labels)},
    )


def _restored(model: nn.Module, target: Format) -> dict[str, Tensor]:
    """The tensors, on the CPU, under the format's names; batch counters of frozen norms are left out."""
    own = {name: tensor.cpu() for name, tensor in model.state_dict().items()}
    own = {name: tensor for name, tensor in own.items() if not name.endswith('num_batches_tracked')}
    try:
        return restore(own, target.table(own))
    except ValueError as error:
        raise ValueError(f'the model cannot be written as {target.title}: {error}') from None
