"""From costs to assignments, on the host."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from torch import Tensor

Match = tuple[Tensor, Tensor]  # query indices and segment indices, both (S,), int64, on the costs' device


def optimal_assignments(costs: Sequence[Tensor]) -> tuple[list[Match], int]:
    """Cheapest one-to-one assignment of each cost matrix, by the Hungarian algorithm.

    All matrices travel to the host, and all indices back, in one transfer each. Costs that are not finite
    are counted, and replaced by one so high that as few as possible are taken.

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
    indices = torch.from_numpy(np.concatenate(pairs, axis=1)).to(flat.device)
    matches = [(part[0], part[1]) for part in indices.split([pair.shape[1] for pair in pairs], dim=1)]
    return matches, int(np.count_nonzero(~finite))


def _prohibitive(costs: np.ndarray, num_pairs: int) -> np.float64:
    """A cost that one pair more is never worth, whatever it saves in the other ``num_pairs``."""
    low, high = (np.float64(extreme(initial=0)) for extreme in (costs.min, costs.max))
    return high + (high - low) * num_pairs + 1


def nearest_resize_masks(masks: Tensor, size: tuple[int, int]) -> Tensor:
    """Nearest-neighbour resize of ``(S, H, W)`` masks, which ``F.interpolate`` refuses for bool.

    Picks the very pixels that ``F.interpolate(mode='nearest')`` picks.
    """
    rows, columns = (
        _nearest_indices(source, target, masks) for source, target in zip(masks.shape[-2:], size)
    )
    return masks[..., rows, :][..., columns]


def _nearest_indices(source: int, target: int, like: Tensor) -> Tensor:
    positions = torch.arange(source, dtype=torch.float32, device=like.device)[None, None]
    return F.interpolate(positions, size=target, mode='nearest').long().flatten()
