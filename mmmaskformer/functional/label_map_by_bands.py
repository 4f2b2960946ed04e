"""Label maps a band of rows at a time: the scores of a whole image are never held."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..structures import MaskPrediction
from .devices import small_pieces
from .fast_paths import fast_path
from .resizing import OutputSize, RowResizer, bands
from .semantic_inference import class_probabilities, found_or_void, image_scores, semantic_labels

# Columns of mask logits in a window whose extremes bound the scores in it.
WINDOW = 8
# Pixels whose scores are computed at a time: few enough to be compared while they are in a core's cache.
PRODUCT_PIXELS = {'cpu': 4096}


@torch.no_grad()
def semantic_label_map(
    prediction: MaskPrediction, size: OutputSize, before: bool = False, void: int = 255
) -> Tensor:
    """`semantic_labels` of the scores at the original size, a band of rows at a time.

    Neither Q nor K maps of full size ever exist, and classes that provably win no pixel of a band are left
    out of it. Labels equal those from all scores but where the two best classes are equal to rounding.

    Args:
        prediction: Of one image: class logits ``(Q, K + 1)`` and mask logits ``(Q, h, w)``.
        size: Sizes of input, image and output.
        before: Resize mask logits to the original size before they are combined, not the scores after.
        void: Label of pixels where a single class was not found.

    Returns:
        ``(1, *size.output)`` int64.
    """
    height, width = size.output
    wide = max(width, size.image[0] * size.image[1] // height)  # pixels of the image in a row of output
    parts = list(bands(height, wide * len(prediction.class_logits), prediction.mask_logits.device))
    if len(parts) == 1:
        return semantic_labels(image_scores(prediction, size, before), void)
    with torch.autocast(prediction.mask_logits.device.type, enabled=False):
        label_rows = _LabelRows(prediction, size, before, void)
        return torch.cat([label_rows.get(start, stop) for start, stop in parts])[None]


class _LabelRows:
    """Labels of a band of rows, from the few rows of the masks that it needs."""

    def __init__(self, prediction: MaskPrediction, size: OutputSize, before: bool, void: int):
        self.void = void
        self.class_prob = class_probabilities(prediction.class_logits).mT.contiguous()
        self.mask_logits = prediction.mask_logits.float().permute(1, 2, 0)
        self.size = size
        self.masks = RowResizer(len(self.mask_logits), size if before else size._replace(output=size.image))
        resized = not before and size.image != size.output
        self.scores = (
            RowResizer(size.image[0], size._replace(padded=size.image, mask_stride=None)) if resized else None
        )

    def get(self, start: int, stop: int) -> Tensor:
        """``(stop - start, W)`` int64."""
        first, last = self.scores.sources(start, stop) if self.scores else (start, stop)
        logits = self.mask_logits[slice(*self.masks.sources(first, last))].contiguous()
        if fast_path('class_bounds') and small_pieces(logits.device):  # the host must know how many are left
            classes = possible_classes(self.class_prob, logits, self.size.padded[1])
        else:
            classes = torch.arange(len(self.class_prob), device=logits.device)
        if len(classes) == 1 < len(self.class_prob):
            return classes.expand(stop - start, self.size.output[1])
        prob = self.class_prob[classes].mT
        masks = self.masks.resize(logits, first, last).sigmoid_()
        if self.scores:
            best = _best_class(self.scores.resize(masks @ prob, start, stop), self.void)
        else:
            best = _best_of_products(masks, prob, self.void)
        return best if len(self.class_prob) == 1 else classes[best]


def possible_classes(class_prob: Tensor, mask_logits: Tensor, width: int) -> Tensor:
    """Classes that may have the highest score in some pixel that the masks are upsampled to.

    An upsampled logit lies between the lowest and the highest of the few that it is made of, so a score lies
    between the sums of p(class) * p(mask) at these. Where a class's highest possible score is below another's
    lowest possible one, it cannot win; columns are looked at in windows.

    Args:
        class_prob: ``(K, Q)``.
        mask_logits: ``(h, w, Q)``.
        width: Columns that the masks are upsampled to, at first.

    Returns:
        ``(N,)`` int64, ascending; all K if the bounds exclude none.
    """
    span = 2 + -(-mask_logits.shape[1] // width)  # columns that make a pixel
    high = _windows(mask_logits.amax(0), span)
    low = -_windows(-mask_logits.amin(0), span)
    highest, lowest = (bound.sigmoid() @ class_prob.mT for bound in (high, low))
    beaten = highest * (1 + 1e-5) + 1e-6 < lowest.amax(1, keepdim=True)
    return torch.where(~beaten.all(0))[0]


def _windows(columns: Tensor, span: int) -> Tensor:
    """Maxima of windows of ``(w, Q)`` columns; any ``span`` columns lie in one of the windows."""
    padded = F.pad(columns.mT, (0, -len(columns) % WINDOW + span - 1), value=-torch.inf)
    return F.max_pool1d(padded, WINDOW + span - 1, stride=WINDOW).mT


def _best_of_products(maps: Tensor, weights: Tensor, void: int) -> Tensor:
    """`_best_class` of ``(h, w, Q) @ (Q, K)``, a few pixels at a time: all products never exist."""
    pixels = maps.flatten(0, 1)
    step = PRODUCT_PIXELS.get(maps.device.type, len(pixels))
    num_classes = weights.shape[1]
    weights = F.pad(weights.mT, (0, 0, 0, -num_classes % 8)).mT  # MKL takes as long for 19 columns as for 32
    products = maps.new_empty(step, weights.shape[1])
    best = [
        _best_class(torch.mm(part, weights, out=products[: len(part)])[:, :num_classes], void)
        for part in pixels.split(step)
    ]
    return torch.cat(best).view(maps.shape[:2])


def _best_class(scores: Tensor, void: int) -> Tensor:
    """``(..., K)`` scores -> ``(...)`` int64, as `semantic_labels`."""
    return scores.max(-1).indices if scores.shape[-1] > 1 else found_or_void(scores[..., 0], void)
