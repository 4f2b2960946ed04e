"""Matching of queries and segments."""

from .fixed_assigner import FixedAssigner
from .hungarian_assigner import HungarianAssigner
from .match_costs import (
    ClassificationCost,
    MaskBoxGIoUCost,
    MaskBoxL1Cost,
    MaskDiceCost,
    MaskFocalCost,
    MatchCost,
    MatchInput,
    PQStyleCost,
)

__all__ = [
    'ClassificationCost',
    'FixedAssigner',
    'HungarianAssigner',
    'MaskBoxGIoUCost',
    'MaskBoxL1Cost',
    'MaskDiceCost',
    'MaskFocalCost',
    'MatchCost',
    'MatchInput',
    'PQStyleCost',
]
