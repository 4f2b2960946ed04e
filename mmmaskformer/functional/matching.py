"""From costs to assignments, on the host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from .devices import to_device

Match = tuple[Tensor, Tensor]  # query indices and segment indices, both (S,), int64, on the costs' device


class MatchedPairs(NamedTuple):
    """All matches of a step as one index: image by image, in an image layer by layer, queries ascending.

    Attributes:
        layers: ``(M,)`` int64, as the three that follow.
        images: ``(M,)``.
        queries: ``(M,)``.
        segments: ``(M,)`` indices into the segments of all images, one image after the other.
        counts: Number of pairs of each image and layer, ``B * L`` numbers in the order of the pairs.
        num_layers: L.
    """

    layers: Tensor
    images: Tensor
    queries: Tensor
    segments: Tensor
    counts: list[int]
    num_layers: int

    def per_image(self) -> list[int]:
        """Number of pairs of each image, all layers together."""
        return [
            sum(self.counts[i : i + self.num_layers]) for i in range(0, len(self.counts), self.num_layers)
        ]

    def split_layers(self, values: Tensor) -> list[Tensor]:
        """``(M, ...)`` values of the pairs -> those of each layer, image by image, queries ascending."""
        parts = values.split(self.counts)
        return [torch.cat(parts[layer :: self.num_layers]) for layer in range(self.num_layers)]

    def sum_layers(self, values: Tensor) -> Tensor:
        """``(F, M)`` values of the pairs -> sums of each layer ``(F, L)``."""
        sums = [part.sum(1) for part in values.split(self.counts, dim=1)]
        return torch.stack(sums, 1).unflatten(1, (-1, self.num_layers)).sum(1)


def flat_index(matches: Sequence[Sequence[Match]], num_segments: Sequence[int]) -> MatchedPairs:
    """One index of the matches that an assigner returns.

    Args:
        matches: For each layer and image, query indices and segment indices.
        num_segments: Number of segments of each image.

    Example:
        >>> one_image = torch.tensor([1, 4]), torch.tensor([0, 1])
        >>> other_image = torch.tensor([2]), torch.tensor([0])
        >>> flat_index([[one_image, other_image]], [2, 1]).segments
        tensor([0, 1, 2])
    """
    in_order = [match for layers in zip(*matches) for match in layers]
    counts = [len(queries) for queries, _ in in_order]
    queries, segments = (torch.cat(columns) for columns in zip(*in_order))
    starts = np.cumsum([0, *num_segments])
    places = [
        (layer, image, starts[image]) for image in range(len(num_segments)) for layer in range(len(matches))
    ]
    columns = torch.from_numpy(np.repeat(np.array(places, dtype=np.int64), counts, axis=0).T.copy())
    layers, images, offsets = to_device(columns, queries.device)
    return MatchedPairs(layers, images, queries, segments + offsets, counts, len(matches))


def optimal_assignments(costs: Sequence[Tensor]) -> tuple[list[Match], int]:
    """Cheapest one-to-one assignment of each cost matrix, by the Hungarian algorithm.

    All matrices travel to the host, and all indices back, in one transfer each; a GPU is waited for once.
    Costs that are not finite are counted, and replaced by one so high that as few as possible are taken.

    Args:
        costs: Matrices ``(Q, S_i)`` on one device.

    Returns:
        For each matrix the matched queries, ascending, and their segments, ``(min(Q, S_i),)``; and the number
        of costs that were not finite.
    """
    if not costs:
        return [], 0
    flat = torch.cat([cost.detach().float().flatten() for cost in costs])
    host = flat.cpu().numpy()
    finite = np.isfinite(host)
    if not finite.all():
        host = np.where(finite, host, _prohibitive(host[finite], max(min(cost.shape) for cost in costs)))
    ends = np.cumsum([cost.numel() for cost in costs])
    matrices = [part.reshape(cost.shape) for part, cost in zip(np.split(host, ends[:-1]), costs)]
    pairs = [np.stack(linear_sum_assignment(matrix)) for matrix in matrices]
    indices = to_device(torch.from_numpy(np.concatenate(pairs, axis=1)), flat.device)
    matches = [(part[0], part[1]) for part in indices.split([pair.shape[1] for pair in pairs], dim=1)]
    return matches, int(np.count_nonzero(~finite))


def _prohibitive(costs: np.ndarray, num_pairs: int) -> np.float64:
    """A cost that one pair more is never worth, whatever it saves in the other ``num_pairs``."""
    low, high = (np.float64(extreme(initial=0)) for extreme in (costs.min, costs.max))
    return high + (high - low) * num_pairs + 1


def nearest_resize_masks(masks: Tensor, size: tuple[int, int]) -> Tensor:
    """Nearest-neighbor resize of ``(S, H, W)`` masks, which ``F.interpolate`` refuses for bool.

    Picks the very pixels that ``F.interpolate(mode='nearest')`` picks.
    """
    rows, columns = (
        nearest_indices(source, target, masks.device) for source, target in zip(masks.shape[-2:], size)
    )
    return masks[..., rows, :][..., columns]


def nearest_indices(source: int, target: int, device: torch.device | None = None) -> Tensor:
    """Which of ``source`` positions ``F.interpolate(mode='nearest')`` takes for each of ``target``."""
    positions = torch.arange(source, dtype=torch.float32, device=device)[None, None]
    return F.interpolate(positions, size=target, mode='nearest').long().flatten()
