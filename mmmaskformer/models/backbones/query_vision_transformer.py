"""A vision transformer whose last blocks are left to a head, which lets its queries join them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import torch
from mmcv.cnn.bricks.transformer import PatchEmbed
from mmengine.model import BaseModule, ModuleList
from mmengine.model.weight_init import trunc_normal_
from torch import Tensor, nn

from ...functional.patch_resizing import resize_patch_kernel, resize_position_grid
from ...registry import MODELS
from ..layers.query_block import QueryBlock


class ViTTokens(NamedTuple):
    """An image after the first blocks of a vision transformer, and what is left to do.

    Attributes:
        tokens: ``(B, T + h * w, C)``: class and register tokens, then patches row by row.
        grid: Rows h and columns w of patches.
        blocks: The last blocks, `QueryBlock` modules of the backbone.
        norm: The norm after the last block, which every prediction takes.
    """

    tokens: Tensor
    grid: tuple[int, int]
    blocks: Sequence[nn.Module]
    norm: nn.Module


@MODELS.register_module()
class QueryVisionTransformer(BaseModule):
    """A plain vision transformer (DINOv2's) for `EoMTHead`, which runs its last blocks with its queries.

    Blocks and names of parameters are MMPretrain's. In addition there are register tokens; positions belong
    to patches alone, and that of the class token in a checkpoint is added to the token itself. A checkpoint
    may have another grid or other patches: they are resized as timm does for DINOv2, whose patches are 14
    pixels wide, and EoMT's 16.

    Args:
        arch: ``'small'``, ``'base'``, ``'large'``, ``'giant'``; or a dict of ``embed_dims``, ``num_layers``,
            ``num_heads``, ``feedforward_channels``, and ``ffn_type='swiglu_fused'`` for gates.
        img_size: Size for which positions are stored; others are interpolated.
        patch_size: Width of the patches.
        in_channels: Channels of the image.
        num_registers: Register tokens.
        num_query_blocks: Blocks at the end that queries take part in.
        layer_scale_init_value: Initial scale of the residual branches; 0 has no scales.
        drop_path_rate: Rate of the last block; it rises linearly with the block.
        with_cp: Gradient checkpointing of the blocks: less memory, more time in training.
        init_cfg: MMEngine initialization.

    Raises:
        ValueError: ``arch`` is not known, or a size does not fit.

    Example:
        >>> arch = dict(embed_dims=32, num_layers=4, num_heads=4, feedforward_channels=64)
        >>> backbone = QueryVisionTransformer(arch, img_size=64, num_query_blocks=2)
        >>> backbone(torch.rand(1, 3, 64, 96)).tokens.shape  # class token, 4 registers, 4 x 6 patches
        torch.Size([1, 29, 32])
    """

    # As MMPretrain's; the giant's feed-forward networks have gates (SwiGLU).
    arch_zoo: ClassVar[dict[str, dict]] = {
        'small': dict(embed_dims=384, num_layers=12, num_heads=6, feedforward_channels=1536),
        'base': dict(embed_dims=768, num_layers=12, num_heads=12, feedforward_channels=3072),
        'large': dict(embed_dims=1024, num_layers=24, num_heads=16, feedforward_channels=4096),
        'giant': dict(
            embed_dims=1536,
            num_layers=40,
            num_heads=24,
            feedforward_channels=6144,
            ffn_type='swiglu_fused',
        ),
    }

    def __init__(
        self,
        arch: str | dict = 'base',
        img_size: int | Sequence[int] = 512,
        patch_size: int = 16,
        in_channels: int = 3,
        num_registers: int = 4,
        num_query_blocks: int = 4,
        layer_scale_init_value: float = 1e-5,
        drop_path_rate: float = 0.0,
        with_cp: bool = False,
        init_cfg: dict | None = None,
    ):
        super().__init__(init_cfg)
        settings = dict(arch if isinstance(arch, dict) else self.arch_zoo.get(arch, {}))
        if not settings:
            raise ValueError(f'unknown arch {arch!r}: expected one of {list(self.arch_zoo)}, or a dict')
        num_layers, channels = settings.pop('num_layers'), settings['embed_dims']
        self.ffn_channels: int = settings['feedforward_channels']
        if not 1 <= num_query_blocks <= num_layers:
            raise ValueError(
                f'num_query_blocks={num_query_blocks}, but the backbone has {num_layers} blocks: set it to '
                f'1 to {num_layers}'
            )
        height, width = (img_size, img_size) if isinstance(img_size, int) else img_size
        self.patch_size, self.num_query_blocks = patch_size, num_query_blocks
        self.grid = self._grid_of(height, width)
        self.out_channels = [channels]
        self.patch_embed = PatchEmbed(in_channels, channels, 'Conv2d', patch_size, patch_size, padding=0)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, channels))
        self.register_tokens = nn.Parameter(torch.zeros(1, num_registers, channels))
        self.pos_embed = nn.Parameter(torch.zeros(1, self.grid[0] * self.grid[1], channels))
        rates = torch.linspace(0, drop_path_rate, num_layers).tolist()
        settings.update(layer_scale_init_value=layer_scale_init_value, with_cp=with_cp)
        norm = dict(type='LN', eps=1e-6)
        self.layers = ModuleList(QueryBlock(**settings, norm_cfg=norm, drop_path_rate=r) for r in rates)
        self.ln1 = nn.LayerNorm(channels, eps=1e-6)
        self._register_load_state_dict_pre_hook(self.adapt_state)

    def init_weights(self) -> None:
        """Truncated normal class token and positions; registers begin at zero."""
        super().init_weights()
        if self.init_cfg is None:
            for tokens in (self.cls_token, self.pos_embed):
                trunc_normal_(tokens, std=0.02)

    def forward(self, images: Tensor) -> ViTTokens:
        """Images ``(B, 3, H, W)`` to tokens, of all but the last blocks.

        Raises:
            ValueError: Height or width is not a multiple of the patch size.
        """
        grid = self._grid_of(*images.shape[-2:])
        patches, _ = self.patch_embed(images)
        patches = patches + resize_position_grid(self.pos_embed, self.grid, grid)
        extra = torch.cat([self.cls_token, self.register_tokens], 1).expand(images.shape[0], -1, -1)
        tokens = torch.cat([extra, patches], 1)
        split = len(self.layers) - self.num_query_blocks
        for block in self.layers[:split]:
            tokens = block(tokens)
        return ViTTokens(tokens, grid, self.layers[split:], self.ln1)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compile the backbone, and each block that the head runs."""
        super().compile(*args, **kwargs)
        for block in self.layers[-self.num_query_blocks :]:
            block.compile(*args, **kwargs)

    def get_layer_depth(self, param_name: str, prefix: str = '') -> tuple[int, int]:
        """Depth of a parameter and number of depths, for learning rates that decay with the distance.

        The stem has the depth of the first block; the norm, and whatever is not of the backbone, that of the
        last.

        Args:
            param_name: Name of the parameter.
            prefix: What the names of this backbone begin with.
        """
        number = len(self.layers)
        if not param_name.startswith(prefix):
            return number - 1, number
        part, *rest = param_name.removeprefix(prefix).split('.')
        if part == 'layers':
            return int(rest[0]), number
        return (number - 1 if part == 'ln1' else 0), number

    def adapt_state(self, state: dict[str, Tensor], prefix: str = '', *_: Any) -> None:
        """Fit positions and patches of a checkpoint to this grid and patch size, in place."""
        positions, kernel = f'{prefix}pos_embed', f'{prefix}patch_embed.projection.weight'
        if positions in state:
            table = state[positions]
            if _side(table.shape[1] - 1) and not _side(table.shape[1]):
                state[f'{prefix}cls_token'] = state[f'{prefix}cls_token'] + table[:, :1]
                table = table[:, 1:]
            side = _side(table.shape[1])
            if side and table.shape[1] != self.pos_embed.shape[1]:
                table = resize_position_grid(table, (side, side), self.grid)
            state[positions] = table
        if kernel in state:
            state[kernel] = resize_patch_kernel(state[kernel], self.patch_size)

    def _grid_of(self, height: int, width: int) -> tuple[int, int]:
        if height % self.patch_size or width % self.patch_size:
            raise ValueError(
                f'an input of {height} x {width} pixels cannot be cut into patches of {self.patch_size}: set '
                f'size_divisor={self.patch_size} in data_preprocessor, and img_size and crop_size to '
                'multiples of it'
            )
        return height // self.patch_size, width // self.patch_size


def _side(number: int) -> int:
    """Side of a square of so many cells; 0 if there is none."""
    side = round(number**0.5)
    return side if side * side == number else 0
