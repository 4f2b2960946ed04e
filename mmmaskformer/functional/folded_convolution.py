"""The last convolution folded into the products: mask logits without mask features.

Mask features are a convolution and masks are products with them, so embeddings and weights can be multiplied
first: the convolution then gives the masks themselves, of the queries that are wanted.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .devices import small_pieces
from .fast_paths import fast_path


class FoldedFeatures(NamedTuple):
    """In place of mask features, what they are a convolution of.

    Attributes:
        finest: ``(B, D, h, w)`` finest features of the pixel decoder.
        weight: ``(C, D, k, k)`` of the convolution.
        bias: ``(C,)``.
    """

    finest: Tensor
    weight: Tensor
    bias: Tensor

    def products(self, image: int, embeddings: Tensor) -> Tensor:
        """``(N, C)`` embeddings -> mask logits ``(N, h, w)`` of one image."""
        return convolve_products(embeddings, self.finest[image : image + 1], self.weight, self.bias)

    def unfolded(self) -> Tensor:
        """The mask features themselves, ``(B, C, h, w)``."""
        return F.conv2d(self.finest, self.weight, self.bias, padding=self.weight.shape[-1] // 2)


def may_fold() -> bool:
    """Whether the convolution is folded: in prediction, where no gradients are recorded."""
    return fast_path('folded_convolution') and not torch.is_grad_enabled()


def convolve_products(embeddings: Tensor, pixels: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Products of mask embeddings with a convolution of the pixels, the cheaper way round.

    ``e . (W * x + b) = (e . W) * x + e . b``: with fewer embeddings than channels, a convolution that gives
    the products themselves costs less than one that gives the features.

    Args:
        embeddings: ``(N, C)``.
        pixels: ``(1, D, h, w)``, channels last or not.
        weight: ``(C, D, k, k)`` of a convolution that keeps the size, k odd.
        bias: ``(C,)``.

    Returns:
        ``(N, h, w)``.
    """
    num = len(embeddings)
    if not num:
        return pixels.new_zeros(0, *pixels.shape[2:])
    padding = weight.shape[-1] // 2
    if num >= len(weight):
        features = F.conv2d(pixels, weight, bias, padding=padding)[0]
        return torch.einsum('nc,chw->nhw', embeddings, features)
    with torch.autocast(embeddings.device.type, enabled=False):  # products of weights are not rounded twice
        products = torch.einsum('nc,cdij->ndij', embeddings.to(weight), weight)
        offsets = embeddings.to(bias) @ bias
    if pixels.is_contiguous(memory_format=torch.channels_last):
        products = products.contiguous(memory_format=torch.channels_last)
    elif pixels.device.type == 'cpu' and num > 64:  # oneDNN needs longer for 100 channels than for 128
        products, offsets = (
            F.pad(rows, [0, 0] * (rows.dim() - 1) + [0, -num % 32]) for rows in (products, offsets)
        )
    if not small_pieces(pixels.device):  # cuDNN tunes anew for each number; tensor cores take multiples of 8
        products, offsets = (
            F.pad(rows, [0, 0] * (rows.dim() - 1) + [0, -num % 8]) for rows in (products, offsets)
        )
    return F.conv2d(pixels, products, offsets, padding=padding)[0, :num]
