"""Matching of queries and segments."""

from .box_costs import MaskBoxGIoUCost, MaskBoxL1Cost
from .fixed_assigner import FixedAssigner
from .hungarian_assigner import HungarianAssigner
from .match_costs import ClassificationCost, MaskDiceCost, MaskFocalCost, MatchCost, MatchInput
from .pq_style_cost import PQStyleCost

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
