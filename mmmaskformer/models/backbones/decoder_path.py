"""The way of MaX-DeepLab's stacked decoder: down to stride 4, and back to stride 16 for each stack."""

from __future__ import annotations

from typing import NamedTuple

FINEST, COARSEST = 4, 16


class Step(NamedTuple):
    """A stage of the decoder.

    Attributes:
        source: Stride of the features that enter.
        stride: Stride of the stage.
        in_backbone: Whether it has blocks that count as backbone.
        extra: Whether it has blocks after these.
    """

    source: int
    stride: int
    in_backbone: bool
    extra: bool


def decoder_path(backbone_stacks: int, extra_stacks: int) -> list[Step]:
    """All stages: a stack ends at stride 16, and the last stage is at stride 4.

    Example:
        >>> [step.stride for step in decoder_path(0, 0)]
        [8, 4]
        >>> [step.stride for step in decoder_path(1, 0)]
        [8, 4, 8, 16, 8, 4]
    """
    steps: list[Step] = []
    stride, stacks, in_backbone = COARSEST, 0, backbone_stacks > 0
    down = True
    while stacks < backbone_stacks + extra_stacks or stride > FINEST:
        source, stride = stride, stride // 2 if down else stride * 2
        of_backbone = in_backbone
        if stride == COARSEST:
            stacks, down = stacks + 1, True
            in_backbone = in_backbone and stacks < backbone_stacks
        steps.append(Step(source, stride, of_backbone, not in_backbone))
        down = down and stride != FINEST
    return steps
