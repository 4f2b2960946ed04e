"""Data sets on which systems are compared with equal budgets, and the config of each system."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class ContestSet(NamedTuple):
    """A data set and its systems.

    Attributes:
        systems: Config of each system by its name; the first one is what the others are measured against.
        scale: Factor of the edges of images and crops.
        num_classes: Numbers of classes that it can be merged into, none for a set with classes of its own.
        rates: Learning rates of which each system gets the one that is best for it, none if it keeps that of
            its config.
        own_rates: Learning rates of systems that get others: those that start from random weights, say.
    """

    systems: Mapping[str, str]
    scale: float = 1.0
    num_classes: tuple[int, ...] = ()
    rates: tuple[float, ...] = ()
    own_rates: Mapping[str, tuple[float, ...]] = MappingProxyType({})


def _clothing(start: str) -> str:
    return f'ccp/{start}_1xb4-600i_ccp-256x192'


def _panoptic(data_set: str) -> dict[str, str]:
    """Panoptic systems, each with the config of the package."""
    starts = {
        'MaskFormer': 'maskformer_efficientnet-lite0_small-data',
        'Mask2Former': 'mask2former_efficientnet-lite0_small',
        'DETR': 'detr_efficientnet-lite0',
        'MaX-DeepLab-S': 'max_deeplab_s_tiny',
    }
    folder = data_set.partition('-')[0]
    return {name: f'{folder}/{start}_1xb4-600i_{data_set}-192x256' for name, start in starts.items()}


CONTESTS = {
    'ccp': ContestSet(
        {
            'PerPixelBaseline+': _clothing('per_pixel_baseline_plus_efficientnet-lite0_small-data'),
            'MaskFormer, fixed matching': _clothing('maskformer_efficientnet-lite0_fixed_small-data'),
            'MaskFormer': _clothing('maskformer_efficientnet-lite0_small-data'),
            'PerPixelBaseline': _clothing('per_pixel_baseline_efficientnet-lite0_small-data'),
        },
        scale=0.5,
        num_classes=(59, 12, 2),
        rates=(5e-4, 1e-3, 2e-3),
    ),
    'coco200': ContestSet(_panoptic('coco200-panoptic')),
    'camvid-panoptic': ContestSet(
        _panoptic('camvid-panoptic'),
        rates=(1e-4, 3e-4, 1e-3),
        own_rates={'MaX-DeepLab-S': (2e-4, 6e-4, 2e-3)},
    ),
}
