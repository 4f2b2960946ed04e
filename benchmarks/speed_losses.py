"""Mask losses, forward and backward: ours against MMDetection's, from the same logits and matches."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from measure import compare
from mmdet.models.losses import DiceLoss, FocalLoss
from torch import Tensor

from mmmaskformer.functional.upsampled_losses import upsampled_mask_losses
from mmmaskformer.models.losses.mask_losses import dice_value_and_grad, focal_value_and_grad

LAYERS = 6
FOCAL_WEIGHT = 20.0


def rows(repeats: int, device: torch.device) -> list[dict]:
    return [compare_losses(num_masks, 512, repeats, device) for num_masks in (12, 108, 500)]


def compare_losses(num_masks: int, size: int, repeats: int, device: torch.device) -> dict:
    ours, peer = losses(num_masks, size, device)
    difference = (ours() - peer()).abs().max() / peer().abs().max()
    assert difference < 1e-5, f'gradients differ by {difference:.1e}'
    return compare('mask losses', f'{num_masks} masks of {size}x{size}', ours, peer, repeats, device)


def losses(
    num_masks: int, size: int, device: torch.device
) -> tuple[Callable[[], Tensor], Callable[[], Tensor]]:
    """Our and the peer's way from logits to their gradient; six layers share the segments."""
    generator = torch.Generator().manual_seed(0)
    num_segments = -(-num_masks // LAYERS)
    logits = 3 * torch.randn(num_masks, size // 4, size // 4, generator=generator)
    cells = torch.rand(num_segments, 16, 16, generator=generator) > 0.7
    masks = cells.repeat_interleave(size // 16, 1).repeat_interleave(size // 16, 2).to(device)
    logits, index = logits.to(device), torch.arange(num_masks, device=device) % num_segments
    targets = masks.long()  # the type that MMDetection's targets have

    def ours() -> Tensor:
        leaf = logits.clone().requires_grad_()
        focal, dice = upsampled_mask_losses(leaf, masks, index, [focal_value_and_grad, dice_value_and_grad])
        ((FOCAL_WEIGHT * focal.sum() + dice.sum()) / num_segments).backward()
        return leaf.grad

    def peer() -> Tensor:
        leaf = logits.clone().requires_grad_()
        layers = zip(leaf.split(num_segments), index.split(num_segments))
        sum(_mmdet_losses(layer, targets[matched], num_segments) for layer, matched in layers).backward()
        return leaf.grad

    return ours, peer


def _mmdet_losses(logits: Tensor, targets: Tensor, num_segments: int) -> Tensor:
    """What MMDetection's head does with the matched masks of a layer."""
    upsampled = F.interpolate(logits[:, None], size=targets.shape[-2:], mode='bilinear', align_corners=False)[
        :, 0
    ]
    dice = DiceLoss(use_sigmoid=True, activate=True, reduction='mean', naive_dice=True, eps=1.0)
    focal = FocalLoss(use_sigmoid=True, gamma=2.0, alpha=0.25, reduction='mean', loss_weight=FOCAL_WEIGHT)
    pixels = num_segments * targets.shape[-2:].numel()
    return dice(upsampled, targets, avg_factor=num_segments) + focal(
        upsampled.reshape(-1, 1), 1 - targets.reshape(-1), avg_factor=pixels
    )
