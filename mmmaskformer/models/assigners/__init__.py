"""Matching of queries and segments."""

from .hungarian_assigner import HungarianAssigner
from .match_costs import ClassificationCost, MaskDiceCost, MaskFocalCost, MatchCost, MatchInput

__all__ = [
    'ClassificationCost',
    'HungarianAssigner',
    'MaskDiceCost',
    'MaskFocalCost',
    'MatchCost',
    'MatchInput',
]
