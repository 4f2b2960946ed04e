"""Fixed matching: each class has its query."""

from __future__ import annotations

from collections.abc import Sequence

from ...functional.matching import Match
from ...registry import TASK_UTILS
from ...structures import MaskPrediction, Segments


@TASK_UTILS.register_module()
class FixedAssigner:
    """Query i is matched to the segment of class i; queries of absent classes are no-object.

    Semantic segmentation with one query for each class (paper, section 4.3: an ablation).
    """

    def __call__(
        self, predictions: Sequence[MaskPrediction], segments: Sequence[Segments]
    ) -> list[list[Match]]:
        """The same matches for each layer, whatever is predicted.

        Args:
            predictions: One for each layer.
            segments: One for each image.

        Returns:
            For each layer and image, query indices (ascending) and segment indices.

        Raises:
            ValueError: There are fewer queries than classes, or an image has two segments of a class.
        """
        num_queries, num_logits = predictions[0].class_logits.shape[1:]
        if num_queries < num_logits - 1:
            raise ValueError(
                f'fixed matching gives each of the {num_logits - 1} classes its query, but there are only '
                f'{num_queries}: set decode_head.num_queries={num_logits - 1}'
            )
        matches = [self._match(target) for target in segments]
        return [matches for _ in predictions]

    @staticmethod
    def _match(target: Segments) -> Match:
        queries, indices = target.labels.sort()
        repeated = queries[1:][queries.diff() == 0]
        if len(repeated):
            raise ValueError(
                f'an image has two segments of class {repeated[0].item()}, and fixed matching one query for '
                'it: train on a semantic data set, or set the assigner to HungarianAssigner'
            )
        return queries, indices
