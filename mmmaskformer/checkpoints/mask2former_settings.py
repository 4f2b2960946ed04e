"""What HuggingFace's ``config.json`` says of a Mask2Former."""

from __future__ import annotations

from typing import Any

from torch import nn

SHARED = dict(common_stride=4, feature_strides=[4, 8, 16, 32], ignore_value=255, pre_norm=False)


def mask2former_settings(head: Any) -> dict[str, Any]:
    """Settings of ``Mask2FormerForUniversalSegmentation`` but for backbone and classes.

    Raises:
        ValueError: HuggingFace has no such head; the sentence says in what.
    """
    pixels, queries, criterion = head.pixel_decoder, head.transformer_decoder, head.criterion
    num_heads, _, num_points = pixels.layers[0].self_attn.shape
    layer = queries.layers[0]
    _check_head(head, num_heads, num_points)
    return dict(
        **SHARED,
        architectures=['Mask2FormerForUniversalSegmentation'],
        model_type='mask2former',
        activation_function='relu',
        feature_size=pixels.memory_channels,
        mask_feature_size=pixels.mask_channels,
        hidden_dim=queries.channels,
        encoder_layers=len(pixels.layers),
        encoder_feedforward_dim=pixels.layers[0].ffn[0].out_features,
        decoder_layers=len(queries.layers) + 1,  # their number counts the bare queries
        dim_feedforward=layer.ffn[0].out_features,
        num_attention_heads=num_heads,
        num_queries=queries.query_embed.num_embeddings,
        dropout=layer.dropout.p,
        enforce_input_projection=False,
        train_num_points=criterion.num_points or 12544,
        oversample_ratio=criterion.oversample_ratio,
        importance_sample_ratio=criterion.importance_sample_ratio,
        no_object_weight=criterion.loss_cls.no_object_weight,
        class_weight=criterion.loss_cls.loss_weight,
        mask_weight=criterion.loss_mask.loss_weight,
        dice_weight=criterion.loss_dice.loss_weight,
    )


def _check_head(head: Any, num_heads: int, num_points: int) -> None:
    decoder = head.transformer_decoder
    decoder_heads = decoder.layers[0].cross_attn.num_heads
    reasons = {
        f'{num_points} points in its deformable attention, but 4': num_points != 4,
        f'{num_heads} heads in one decoder and {decoder_heads} in the other': decoder_heads != num_heads,
        # they are there, but not among the weights that are saved and loaded
        'input projections of the transformer decoder': isinstance(decoder.input_projs[0], nn.Conv2d),
    }
    reason = next((reason for reason, applies in reasons.items() if applies), None)
    if reason:
        raise ValueError(f"HuggingFace's Mask2Former has no {reason}, so this model cannot be written as one")
