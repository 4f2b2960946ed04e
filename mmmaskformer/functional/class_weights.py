"""Weights of classes from how often they occur."""

from __future__ import annotations

from collections.abc import Sequence


def inverse_sqrt_weights(counts: Sequence[float]) -> list[float]:
    """Weight of each class: n ** -0.5 for n occurrences, times a factor.

    The factor makes the mean weight of an occurrence 1, ``sum(n * weight) == sum(n)``, so that a loss keeps
    its scale and its share of no-object. Classes that never occur have weight 1.

    Args:
        counts: Occurrences of each class: segments, or pixels.

    Example:
        >>> inverse_sqrt_weights([1, 4, 0])
        [1.6666666666666667, 0.8333333333333334, 1.0]
    """
    factor = sum(counts) / (sum(count**0.5 for count in counts) or 1)
    return [factor / count**0.5 if count else 1.0 for count in counts]
