"""EoMT for HuggingFace: what its ``config.json`` and ``preprocessor_config.json`` say."""

from __future__ import annotations

from typing import Any

from torch import nn


def eomt_settings(model: Any) -> dict[str, Any]:
    """Settings of ``EomtForUniversalSegmentation`` but for the classes.

    Raises:
        ValueError: HuggingFace has no such model; the sentence says in what.
    """
    backbone, head = model.backbone, model.decode_head
    _check(backbone)
    block, criterion = backbone.layers[0], head.criterion
    channels = backbone.out_channels[0]
    ratio = backbone.ffn_channels / channels
    return dict(
        architectures=['EomtForUniversalSegmentation'],
        model_type='eomt',
        hidden_size=channels,
        num_hidden_layers=len(backbone.layers),
        num_attention_heads=block.attn.num_heads,
        mlp_ratio=int(ratio) if ratio.is_integer() else ratio,
        use_swiglu_ffn=hasattr(block.ffn, 'w12'),
        hidden_act='gelu',
        layer_norm_eps=backbone.ln1.eps,
        image_size=backbone.grid[0] * backbone.patch_size,
        patch_size=backbone.patch_size,
        num_channels=backbone.patch_embed.projection.in_channels,
        num_register_tokens=backbone.register_tokens.shape[1],
        num_blocks=len(head.mask_probabilities),
        num_queries=head.query_embed.num_embeddings,
        num_upscale_blocks=len(head.upscale),
        train_num_points=criterion.num_points or 12544,
        oversample_ratio=criterion.oversample_ratio,
        importance_sample_ratio=criterion.importance_sample_ratio,
        no_object_weight=criterion.loss_cls.no_object_weight,
        class_weight=criterion.loss_cls.loss_weight,
        mask_weight=criterion.loss_mask.loss_weight,
        dice_weight=criterion.loss_dice.loss_weight,
    )


def _check(backbone: Any) -> None:
    rows, columns = backbone.grid
    reasons = {
        f'positions of {rows} x {columns} patches, but of squares': rows != columns,
        'blocks without layer scale': isinstance(backbone.layers[0].attn.gamma1, nn.Identity),
    }
    reason = next((reason for reason, applies in reasons.items() if applies), None)
    if reason:
        raise ValueError(f"HuggingFace's EoMT has no {reason}, so this model cannot be written as one")


def eomt_preprocessor(model: Any) -> dict[str, Any]:
    """How images are prepared beside normalization: cut into windows, or fitted into a padded square."""
    side = model.backbone.grid[0] * model.backbone.patch_size
    windows = (model.test_cfg or {}).get('mode') == 'slide'
    return dict(
        image_processor_type='EomtImageProcessor',
        do_resize=True,
        size=dict(shortest_edge=side, longest_edge=None if windows else side),
        do_split_image=windows,
        do_pad=not windows,
    )
