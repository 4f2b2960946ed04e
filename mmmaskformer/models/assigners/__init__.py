"""Matching of queries and segments."""

from .box_assigner import BoxAssigner, BoxGIoUCost, BoxL1Cost
from .fixed_assigner import FixedAssigner
from .home_query_cost import HomeQueryCost
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
from .point_assigner import MASK2FORMER_COSTS, MaskCrossEntropyCost, PointAssigner

__all__ = [
    'MASK2FORMER_COSTS',
    'BoxAssigner',
    'BoxGIoUCost',
    'BoxL1Cost',
    'ClassificationCost',
    'FixedAssigner',
    'HomeQueryCost',
    'HungarianAssigner',
    'MaskBoxGIoUCost',
    'MaskBoxL1Cost',
    'MaskCrossEntropyCost',
    'MaskDiceCost',
    'MaskFocalCost',
    'MatchCost',
    'MatchInput',
    'PQStyleCost',
    'PointAssigner',
]
