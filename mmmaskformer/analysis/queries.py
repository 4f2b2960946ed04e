"""Statistics of single queries over a data set: predicted classes, location, and share of the pixels."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.dataset import pseudo_collate
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from ..functional.postprocess import compete, panoptic_queries
from ..functional.resizing import OutputSize
from ..structures import MaskPrediction
from ..visualization import QueryTile, draw_query_sheet
from ..visualization.colors import class_colors
from ..visualization.fonts import legible_names

LONG_SIDE = 64
TOP_CLASSES = 3


@dataclass
class QueryStatistics:
    """Sums over images; `summary` gives means.

    Attributes:
        class_prob: Sum of class probabilities, no-object last, ``(Q, K + 1)``.
        heat: Sum of masks, each weighted with the probability that the query is an object, ``(Q, h, w)``.
        won: Sum of the shares of an image's pixels that the query wins, ``(Q,)``.
        present: Number of images in which it wins pixels, ``(Q,)``.
        found: Number of images in which it wins pixels as each class, ``(Q, K)``.
        num_images: Images seen.
    """

    class_prob: Tensor
    heat: Tensor
    won: Tensor
    present: Tensor
    found: Tensor
    num_images: int = 0

    @classmethod
    def empty(cls, num_queries: int, num_classes: int, grid: tuple[int, int]) -> QueryStatistics:
        """Statistics of no images; ``grid`` is height and width of the heat maps."""
        zeros = torch.zeros
        return cls(
            zeros(num_queries, num_classes + 1),
            zeros(num_queries, *grid),
            zeros(num_queries),
            zeros(num_queries),
            zeros(num_queries, num_classes),
        )

    def add(self, prediction: MaskPrediction, size: OutputSize) -> None:
        """Add an image.

        A pixel is won by the query with the highest p(class) * p(pixel in mask) among those whose class is
        not no-object, as in the paper's general inference without thresholds.

        Args:
            prediction: Class logits ``(Q, K + 1)`` and mask logits ``(Q, h, w)``.
            size: Sizes of input, image and output.
        """
        prob = prediction.class_logits.float().softmax(-1)
        self.class_prob += prob
        masks = _on_grid(prediction.mask_logits, size, self.heat.shape[1:])
        self.heat += masks * (1 - prob[:, -1])[:, None, None]
        (kept,) = torch.where(panoptic_queries(prediction.class_logits, prob.shape[1] - 1, 0.0))
        if len(kept):
            winner, _ = compete(prediction.mask_logits[kept], prob[kept].max(-1).values, size)
            share = torch.bincount(winner.flatten(), minlength=len(kept)) / winner.numel()
            self.won[kept] += share
            self.present[kept] += (share > 0).float()
            self.found[kept, prob[kept].argmax(-1)] += (share > 0).float()
        self.num_images += 1

    def order(self) -> list[int]:
        """Queries, those that win most pixels first."""
        return self.won.argsort(descending=True, stable=True).tolist()

    def mean_class_prob(self) -> Tensor:
        """``(Q, K + 1)``."""
        return self.class_prob / max(1, self.num_images)

    def mean_heat(self) -> Tensor:
        """Mean mask where the query is an object, ``(Q, h, w)`` in [0, 1]."""
        as_object = self.num_images - self.class_prob[:, -1]
        return self.heat / as_object.clamp(min=1e-6)[:, None, None]

    def summary(self, classes: tuple[str, ...]) -> dict[str, Any]:
        """Everything except the heat maps, as plain values."""
        number, prob = max(1, self.num_images), self.mean_class_prob().tolist()
        queries = [
            dict(
                query=i,
                pixels=float(self.won[i] / number),
                images=float(self.present[i] / number),
                no_object=prob[i][-1],
                top_classes=sorted(classes, key=dict(zip(classes, prob[i])).__getitem__)[::-1][:TOP_CLASSES],
                class_probability=dict(zip(classes, prob[i])),
                found=self._found_classes(i, classes),
                centre=_centre(self.heat[i]),
            )
            for i in self.order()
        ]
        numbers = [len(query['found']) for query in queries if query['found']]
        return dict(
            images=self.num_images,
            classes=list(classes),
            active_queries=len(numbers),
            classes_of_a_query=sum(numbers) / max(1, len(numbers)),
            queries=queries,
        )

    def _found_classes(self, query: int, classes: tuple[str, ...]) -> dict[str, int]:
        """The classes as which a query wins pixels, with the number of images, the most frequent first."""
        images = {name: int(number) for name, number in zip(classes, self.found[query]) if number}
        return dict(sorted(images.items(), key=lambda item: -item[1]))


def look_at_queries(model: Any, samples: Iterable[dict]) -> QueryStatistics:
    """Statistics of a model's queries.

    Args:
        model: A segmentor in evaluation mode whose head has `predict_each`.
        samples: ``inputs`` ``(3, h, w)`` with ``data_samples``, as the data set's pipeline packs them.

    Raises:
        ValueError: The head has no queries that classify masks, or there are no samples.
    """
    if not hasattr(model.decode_head, 'predict_each'):
        raise ValueError(f'{type(model.decode_head).__name__} has no queries that classify masks')
    statistics: QueryStatistics | None = None
    stride = getattr(model.decode_head, 'mask_stride', None)
    for sample in samples:
        with torch.no_grad():
            data = model.data_preprocessor(pseudo_collate([sample]), False)
            (prediction,) = model.decode_head.predict_each(model.extract_feat(data['inputs']))
        prediction = MaskPrediction(prediction.class_logits.cpu(), prediction.mask_logits.cpu())
        image = data['data_samples'][0].img_shape[:2]
        padded = tuple(data['inputs'].shape[-2:])
        if statistics is None:
            num_queries, num_outputs = prediction.class_logits.shape
            statistics = QueryStatistics.empty(num_queries, num_outputs - 1, _grid(*image))
        statistics.add(prediction, OutputSize(padded, image, image, stride))
    if statistics is None:
        raise ValueError('the data set is empty: query statistics need at least one image')
    return statistics


def write_summary(statistics: QueryStatistics, classes: tuple[str, ...], path: Path) -> None:
    """Write the summary as JSON."""
    path.write_text(json.dumps(statistics.summary(classes), indent=1) + '\n')


def _grid(height: int, width: int) -> tuple[int, int]:
    """Size of heat maps: the first image's shape, reduced; masks of other shapes are stretched to it."""
    scale = LONG_SIDE / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def _on_grid(mask_logits: Tensor, size: OutputSize, grid: torch.Size) -> Tensor:
    """Masks of the image without its padding, ``(Q, h, w)`` probabilities."""
    rows, columns = (
        max(1, round(side * image / padded))
        for side, image, padded in zip(mask_logits.shape[-2:], size.image, size.padded)
    )
    masks = mask_logits[:, :rows, :columns].float().sigmoid()
    return interpolate(masks[None], tuple(grid), mode='bilinear', antialias=True)[0]


def _centre(heat: Tensor) -> list[float] | None:
    """Centre of mass (x, y) as parts of width and height."""
    total = float(heat.sum())
    if total <= 0:
        return None
    height, width = heat.shape
    x = (heat.sum(0) * (torch.arange(width) + 0.5)).sum() / total / width
    y = (heat.sum(1) * (torch.arange(height) + 0.5)).sum() / total / height
    return [round(float(x), 4), round(float(y), 4)]


def draw_summary(
    statistics: QueryStatistics, classes: tuple[str, ...], palette: Any = None, number: int | None = None
) -> Image.Image:
    """Draw the queries that win most pixels.

    Args:
        statistics: Statistics of the queries.
        classes: Names of the classes.
        palette: Colors of the classes.
        number: How many queries; by default all.
    """
    prob, heat = statistics.mean_class_prob().numpy(), statistics.mean_heat().numpy()
    tiles, names = [], legible_names(classes)
    for i in statistics.order()[:number]:
        share = 100 * float(statistics.won[i]) / max(1, statistics.num_images)
        best = int(prob[i, :-1].argmax())
        title = f'{i}: {names[best]} {prob[i, best]:.2f}, {share:.1f}% of pixels'
        tiles.append(QueryTile(title, heat[i], prob[i]))
    return draw_query_sheet(tiles, classes, class_colors(classes, palette).tolist())
