"""Images of any channels and type as 8-bit RGB, for people to look at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PERCENTILES = (1.0, 99.0)


def to_rgb(image: NDArray, is_rgb: bool = True) -> NDArray[np.uint8]:
    """An image as ``(H, W, 3)`` uint8 RGB, contiguous; an image of this form is returned unchanged.

    Of more than three channels the first three are shown, of two the first one in grey. Values beyond 8 bits
    are spread between their 1st and 99th percentile, over the channels that are shown together, so that hues
    stay; floats from 0 to 255 stay as they are, and NaN is black.

    Args:
        image: ``(H, W)`` or ``(H, W, C)`` of whole numbers, floats or bool.
        is_rgb: Whether the first of three or more channels is red, not blue.

    Raises:
        ValueError: The array is not an image.

    Example:
        >>> to_rgb(np.full((2, 2, 6), 4000, np.uint16)).shape
        (2, 2, 3)
    """
    if image.ndim == 2:
        image = image[..., None]
    if image.ndim != 3 or 0 in image.shape or image.dtype.kind not in 'buif':
        raise ValueError(
            f'The image to draw on is {image.dtype} of shape {image.shape}: give numbers of shape (H, W) or '
            '(H, W, channels).'
        )
    shown = image[..., :3] if image.shape[2] >= 3 else image[..., :1]
    if not is_rgb:
        shown = shown[..., ::-1]
    shown = _to_8_bits(shown)
    return np.ascontiguousarray(np.broadcast_to(shown, (*shown.shape[:2], 3)))


def _to_8_bits(image: NDArray) -> NDArray[np.uint8]:
    if image.dtype == np.uint8:
        return image
    if image.dtype == bool:
        return image.astype(np.uint8) * 255
    values = image.astype(np.float64)
    finite = values[np.isfinite(values)]
    if not finite.size:
        return np.zeros(image.shape, np.uint8)
    if image.dtype.kind == 'f' and finite.min() >= 0 and 1 < finite.max() <= 255:
        low, high = 0.0, 255.0  # 8 bits, read with to_float32
    else:
        low, high = np.percentile(finite, PERCENTILES)
    if low == high:
        low, high = finite.min(), finite.max()
    spread = (values - low) / (high - low) if high > low else np.where(np.isnan(values), 0, 0.5)
    spread = np.nan_to_num(spread, nan=0.0, posinf=1.0, neginf=0.0)
    return np.round(np.clip(spread, 0, 1) * 255).astype(np.uint8)
