"""General inference with semantic output (paper, section 3.4): each pixel goes to one query."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..structures import MaskPrediction
from .postprocess import compete, panoptic_queries
from .resizing import OutputSize


def general_semantic_labels(
    prediction: MaskPrediction,
    size: OutputSize,
    score_thr: float = 0.0,
    overlap_thr: float = 0.0,
    void: int = 255,
) -> Tensor:
    """The class of the query whose p(class) * p(pixel in mask) is highest.

    Queries compete alone, where semantic inference sums over the queries of a class. With both thresholds at
    zero only queries of no-object are left out, and every pixel has a class if there is any other query. A
    single class must be more probable than 0.5, as in semantic inference.

    Args:
        prediction: Of one image: class logits ``(Q, K + 1)`` and mask logits ``(Q, h, w)``.
        size: Sizes of input, image and output.
        score_thr: Queries of no-object, or whose class is no more probable than this, are left out.
        overlap_thr: If above zero, a query that wins less than this part of its mask's area, or has no mask,
            leaves its pixels void, as in panoptic inference.
        void: Label of pixels without a class.

    Returns:
        ``(1, *size.output)`` int64 labels.
    """
    num_classes = prediction.class_logits.shape[-1] - 1
    scores, labels = prediction.class_logits.float().softmax(-1).max(-1)
    queries = panoptic_queries(prediction.class_logits, num_classes, score_thr)
    if not len(queries):
        return torch.full((1, *size.output), void, device=labels.device)
    masks, scores, given = prediction.mask_logits[queries], scores[queries], labels[queries]
    if num_classes == 1:  # its rival is void, with a score of 0.5 in every pixel
        masks = torch.cat([torch.full_like(masks[:1], 100), masks])
        scores, given = F.pad(scores, (1, 0), value=0.5), F.pad(given, (1, 0), value=void)
    winner, areas = compete(masks, scores, size)
    won = torch.bincount(winner.flatten(), minlength=len(given))
    if overlap_thr > 0:
        given = given.where((areas > 0) & (won / areas >= overlap_thr), given.new_tensor(void))
    return given[winner[None]]
