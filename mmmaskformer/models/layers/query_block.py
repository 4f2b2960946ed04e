"""MMPretrain's block of a vision transformer, in which queries may attend to their own masks alone."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from mmpretrain.models.backbones.vision_transformer import TransformerEncoderLayer
from torch import Tensor

from .checkpointing import checkpointed


class QueryBlock(TransformerEncoderLayer):
    """Self-attention and feed-forward network, each after its norm, with layer scale.

    Args:
        *args: As MMPretrain's ``TransformerEncoderLayer``.
        with_cp: Gradient checkpointing.
        **kwargs: As MMPretrain's ``TransformerEncoderLayer``.
    """

    def __init__(self, *args: Any, with_cp: bool = False, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.with_cp = with_cp

    def forward(self, tokens: Tensor, visible: Tensor | None = None) -> Tensor:
        """One block.

        Args:
            tokens: ``(B, N, C)``, queries first and patches last.
            visible: ``(B, 1, Q, P)`` bool, which of the last P tokens each of the first Q attends to; None
                hides nothing. All other tokens are always seen.

        Returns:
            ``(B, N, C)``.
        """
        return checkpointed(self._run, tokens, visible, modules=[self], with_cp=self.with_cp)

    def _run(self, tokens: Tensor, visible: Tensor | None) -> Tensor:
        normed = self.ln1(tokens)
        attended = self.attn(normed) if visible is None else self._masked_attention(normed, visible)
        tokens = tokens + attended
        return self.ffn(self.ln2(tokens), identity=tokens)

    def _masked_attention(self, tokens: Tensor, visible: Tensor) -> Tensor:
        """What ``attn`` does, with a mask in the rows of the queries: the other rows need none."""
        attn = self.attn
        parts = attn.qkv(tokens).unflatten(2, (3, attn.num_heads, -1)).permute(2, 0, 3, 1, 4)
        query, key, value = parts.unbind()
        rate = attn.attn_drop if self.training else 0.0
        num_queries, num_patches = visible.shape[-2:]
        seen = F.pad(visible, (tokens.shape[1] - num_patches, 0), value=True)
        masked, free = query.split([num_queries, tokens.shape[1] - num_queries], dim=2)
        rows = [
            F.scaled_dot_product_attention(part, key, value, attn_mask=mask, dropout_p=rate)
            for part, mask in ((masked, seen), (free, None))
        ]
        attended = torch.cat(rows, 2).transpose(1, 2).flatten(2)
        return attn.out_drop(attn.gamma1(attn.proj_drop(attn.proj(attended))))
