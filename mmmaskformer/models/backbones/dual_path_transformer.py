"""MaX-DeepLab's network up to its heads: an axial ResNet, a memory, and a (stacked) decoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from ...functional.grid_resizing import resize_on_grid
from ...registry import MODELS
from ..layers.normed_conv import NormedConv
from .block_group import BlockGroup, GroupSettings
from .decoder_path import COARSEST, FINEST, decoder_path
from .residual_blocks import AxialSettings


class DualPathFeatures(NamedTuple):
    """What the heads take, activated.

    Attributes:
        low: ``(B, 4 c, H / 4, W / 4)`` of stage 2.
        middle: ``(B, 8 c, H / 8, W / 8)`` of stage 3.
        semantic: Of stage 5, at stride 16; with a stacked decoder of a stage after the backbone, at 4.
        pixels: ``(B, 4 c, H / 4, W / 4)`` of the last decoder stage.
        memory: ``(B, M, 1, N)`` of the N mask slots.
    """

    low: Tensor
    middle: Tensor
    semantic: Tensor
    pixels: Tensor
    memory: Tensor


class ResizedFuse(nn.Module):
    """Adds the current features to those of earlier stages at the stride of the next one.

    Args:
        in_channels: Channels of the current features.
        out_channels: Channels of the others.
        upsampling: Factor of the size; 1 / 2 takes a convolution with stride 2.
        norm_cfg: Config of the batch norm.
    """

    def __init__(self, in_channels: int, out_channels: int, upsampling: float, norm_cfg: dict):
        super().__init__()
        self.factor = max(1, int(upsampling))
        self.project = NormedConv(
            in_channels, out_channels, 1, norm_cfg, 1 if upsampling > 1 else 2, act=False
        )

    def forward(self, current: Tensor, skips: Sequence[Tensor]) -> Tensor:
        """Maps, not activated -> one of the size of the skips, not activated."""
        projected = self.project(current.relu())
        size = (skips[0].shape[-2], skips[0].shape[-1])
        return sum(skips, resize_on_grid(projected, size, self.factor))


@MODELS.register_module()
class DualPathTransformer(BaseModule):
    """The dual-path transformer of MaX-DeepLab (Wang et al., CVPR 2021, section 3.1), as deeplab2 has it.

    Pixels pass through a ResNet whose last two stages attend along rows and columns. A memory of one row for
    each mask slot reads from pixels and itself, and pixels read from it. A decoder leads back to stride 4.
    The defaults are those of MaX-DeepLab-S.

    Maps have stride 16 at most, on a grid of every 16th pixel. Sizes of 16 n + 1 pixels, 641 or 1025, end on
    a grid line and are those of the published models; others work.

    Args:
        in_channels: Channels of the image.
        num_slots: Number of mask slots, at least the number of segments in any training image.
        stored_slots: Rows of the memory in the checkpoint, of which the first ``num_slots`` are used; None
            stores as many as are used.
        num_blocks: Residual blocks of stages 2 to 5.
        base_channels: Base channels of stage 2; stages have 4, 8, 16 and 32 times as many.
        stem_channels: Channels of the stem.
        wide: A wide ResNet in place of ResNet-50: one stem convolution, a stage at stride 2, basic blocks.
        memory_channels: Channels of the memory.
        transformer_channels: Channels of the keys in dual-path layers at stride 16.
        ffn_channels: Channels of the memory's feed-forward networks.
        num_heads: Heads of all attention.
        memory_stride: Stages from this stride on have dual-path layers; the last stage counts as 32.
        bottleneck_expansion: Channels that axial attention takes, as a multiple of its block's base channels.
        key_expansion: Channels of its keys, likewise.
        value_expansion: Channels of its values, likewise.
        backbone_stacks: Times that the decoder goes to stride 4 and back to 16 within the backbone.
        extra_stacks: Times that it does so after the backbone.
        decoder_blocks: Blocks in each stage after the backbone.
        drop_path: Rate of the last stage; it rises linearly with the stage.
        drop_path_stride: Blocks of a lower stride keep all paths.
        norm_cfg: Config of the batch norms: ``SyncBN`` where several GPUs train.
        with_cp: Gradient checkpointing of the axial blocks.
        init_cfg: MMEngine initialization.

    Example:
        >>> small = dict(base_channels=8, stem_channels=8, num_blocks=(1, 1, 2, 1), num_slots=5)
        >>> pixels = DualPathTransformer(**small)(torch.rand(1, 3, 65, 97)).pixels
        >>> pixels.shape
        torch.Size([1, 32, 17, 25])
    """

    def __init__(
        self,
        in_channels: int = 3,
        num_slots: int = 128,
        stored_slots: int | None = None,
        num_blocks: Sequence[int] = (3, 4, 6, 3),
        base_channels: int = 64,
        stem_channels: int = 64,
        wide: bool = False,
        memory_channels: int = 256,
        transformer_channels: int = 128,
        ffn_channels: int = 2048,
        num_heads: int = 8,
        memory_stride: int = 32,
        bottleneck_expansion: int = 2,
        key_expansion: int = 1,
        value_expansion: int = 2,
        backbone_stacks: int = 0,
        extra_stacks: int = 0,
        decoder_blocks: int = 1,
        drop_path: float = 0.2,
        drop_path_stride: int = 16,
        norm_cfg: dict | None = None,
        with_cp: bool = False,
        init_cfg: dict | None = None,
    ):
        super().__init__(init_cfg)
        norm_cfg = norm_cfg or dict(type='BN', momentum=0.01, eps=1e-3)
        axial = AxialSettings(bottleneck_expansion, key_expansion, value_expansion, num_heads)
        self.settings = GroupSettings(
            norm_cfg,
            memory_channels,
            transformer_channels,
            ffn_channels,
            num_heads,
            memory_stride,
            axial,
            wide,
            drop_path,
            drop_path_stride,
            with_cp,
        )
        if backbone_stacks and not extra_stacks:
            raise ValueError(
                f'backbone_stacks={backbone_stacks} with extra_stacks=0: the semantic branch takes '
                'the features of an extra stack; set extra_stacks to at least 1'
            )
        self.num_slots = num_slots
        stored_slots = num_slots if stored_slots is None else stored_slots
        if not 2 <= num_slots <= stored_slots:
            raise ValueError(
                f'num_slots={num_slots} with stored_slots={stored_slots}: slots share pixels, set '
                'num_slots to at least 2, and stored_slots to num_slots or more'
            )
        self.memory = nn.Parameter(torch.empty(stored_slots, memory_channels))
        nn.init.trunc_normal_(self.memory, std=1.0)
        channels = self._build_encoder(in_channels, num_blocks, base_channels, stem_channels)
        self.stage5_extra = None
        if not backbone_stacks:
            self.stage5_extra = self._group(channels, COARSEST, base_channels, decoder_blocks)
        self._build_decoder(channels, base_channels, (backbone_stacks, extra_stacks), decoder_blocks)

    def _build_encoder(
        self, in_channels: int, num_blocks: Sequence[int], base_channels: int, stem_channels: int
    ) -> int:
        """Stem and stages; returns the channels of the last."""
        norm_cfg, channels = self.settings.norm_cfg, stem_channels
        stem = [NormedConv(in_channels, stem_channels, 3, norm_cfg, stride=2)]
        if not self.settings.wide:
            channels = 2 * stem_channels
            stem += [
                NormedConv(stem_channels, stem_channels, 3, norm_cfg),
                NormedConv(stem_channels, channels, 3, norm_cfg),
            ]
        self.stem, self.stages = nn.Sequential(*stem), nn.ModuleDict()
        if self.settings.wide:
            first = BlockGroup(channels, stem_channels // 2, 3, 2, 1, 0, self.settings)
            self.stages['1'], channels = first, first.out_channels
        for stage, number in enumerate(num_blocks, start=2):
            stride = 2 ** (stage - 1)
            keys = self.settings.transformer_channels * stride // COARSEST
            base = base_channels * stride // 2
            group = BlockGroup(channels, base, number, stride, 2, keys, self.settings)
            self.stages[str(stage)] = group
            channels = group.out_channels
        return channels

    def _build_decoder(
        self, channels: int, base_channels: int, stacks: tuple[int, int], decoder_blocks: int
    ) -> None:
        self.path = decoder_path(*stacks)
        finest = [i for i, step in enumerate(self.path) if step.stride == FINEST]
        self.semantic_step = finest[stacks[0]] if stacks[1] else None
        self.fuses = nn.ModuleList()
        self.backbone_decoder, self.extra_decoder = nn.ModuleDict(), nn.ModuleDict()
        for i, step in enumerate(self.path):
            width = base_channels * nominal(step.stride)
            factor = step.source / step.stride
            self.fuses.append(ResizedFuse(channels, width, factor, self.settings.norm_cfg))
            channels = width
            if step.in_backbone:
                self.backbone_decoder[str(i)] = self._group(channels, step.stride, base_channels, 1)
            if step.extra:
                self.extra_decoder[str(i)] = self._group(channels, step.stride, base_channels, decoder_blocks)

    def _group(self, channels: int, stride: int, base_channels: int, num_blocks: int) -> BlockGroup:
        """A stage that keeps its stride."""
        keys = self.settings.transformer_channels * stride // COARSEST
        base = base_channels * nominal(stride) // FINEST
        return BlockGroup(channels, base, num_blocks, nominal(stride), 1, keys, self.settings)

    def forward(self, images: Tensor) -> DualPathFeatures:
        """``(B, 3, H, W)`` -> what the heads take (paper, figure 3)."""
        low, middle, pixels, memory = self.encode(images)
        semantic = pixels
        if self.stage5_extra is not None:
            pixels, memory = self.stage5_extra(pixels, memory)
        met = {4: [low], 8: [middle], 16: [pixels]}
        for i, (step, fuse) in enumerate(zip(self.path, self.fuses)):
            pixels = fuse(pixels, met[step.stride][-2:])
            for decoder in (self.backbone_decoder, self.extra_decoder):
                if str(i) in decoder:
                    pixels, memory = decoder[str(i)](pixels, memory)
            met[step.stride].append(pixels)
            semantic = pixels if i == self.semantic_step else semantic
        return DualPathFeatures(low.relu(), middle.relu(), semantic.relu(), pixels.relu(), memory)

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Stages 2, 3 and 5, not activated, and the memory."""
        memory = self.memory[: self.num_slots].T[None, :, None].expand(images.shape[0], -1, -1, -1)
        pixels, found = self.stem(images), {}
        for name, stage in self.stages.items():
            pixels, memory = stage(pixels, memory)
            found[name] = pixels
        return found['2'], found['3'], pixels, memory


def nominal(stride: int) -> int:
    """The stride of a ResNet's stage: its last one, 32, has maps of stride 16 here."""
    return 2 * stride if stride == COARSEST else stride
