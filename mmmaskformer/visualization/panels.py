"""Panels: one row for each scene, ground truth beside predictions, with a legend of the classes."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from mmengine.structures import BaseDataElement
from PIL import Image, ImageDraw

from .fonts import get_font
from .painting import paint_instances, paint_panoptic, paint_semantic
from .samples import IdMap, Instances, read_instances, read_panoptic, read_semantic
from .sheets import GAP, INK, LETTERS, PAPER, draw_legend

Colors = Sequence[Sequence[int]]
Legend = tuple[tuple[str, tuple[int, int, int]], ...]
NO_CLASS = (0, 0, 0)
WRONG = (235, 40, 40)
HEADER = 28
ALPHA = 0.6
SCORE_THR = 0.5


class PanelRow(NamedTuple):
    """A semantic scene: ``image`` (H, W, 3) uint8 RGB, label maps (H, W) of ground truth and prediction."""

    image: np.ndarray
    ground_truth: np.ndarray
    prediction: np.ndarray

    def sizes(self) -> set[tuple[int, ...]]:
        """Heights and widths of all that is drawn."""
        return {array.shape[:2] for array in self}

    def legend(self) -> Legend:
        """Colors that do not stand for a class."""
        return ('unlabelled', NO_CLASS), ('wrong class', WRONG)

    def draw(self, classes: Sequence[str], palette: Colors, scale: int) -> dict[str, np.ndarray]:
        """Panels (scale * H, scale * W, 3) by their titles."""
        panels = {
            'ground_truth': color_labels(self.ground_truth, palette),
            'prediction': color_labels(self.prediction, palette),
            'errors': color_errors(self, len(classes)),
        }
        enlarged = {
            title: panel.repeat(scale, axis=0).repeat(scale, axis=1) for title, panel in panels.items()
        }
        return {'image': _enlarge(self.image, scale), **enlarged}


class SegmentRow(NamedTuple):
    """A scene with panoptic ground truth, and the predictions that the model makes.

    ``image`` is (H, W, 3) uint8 RGB, ``semantic`` a label map (H, W).
    """

    image: np.ndarray
    ground_truth: IdMap
    panoptic: IdMap | None = None
    instances: Instances | None = None
    semantic: np.ndarray | None = None

    def sizes(self) -> set[tuple[int, ...]]:
        """Heights and widths of all that is drawn."""
        maps = [self.ground_truth.ids, *([] if self.panoptic is None else [self.panoptic.ids])]
        maps += [] if self.instances is None else [self.instances.masks]
        maps += [] if self.semantic is None else [self.semantic]
        return {self.image.shape[:2], *(array.shape[-2:] for array in maps)}

    def legend(self) -> Legend:
        """No further colors: pixels without a class are not painted."""
        return ()

    def draw(self, classes: Sequence[str], palette: Colors, scale: int) -> dict[str, np.ndarray]:
        """Panels (scale * H, scale * W, 3) by their titles."""
        style: dict[str, Any] = dict(classes=classes, palette=palette, alpha=ALPHA, scale=scale)
        panels = {
            'image': _enlarge(self.image, scale),
            'ground truth: panoptic': paint_panoptic(self.image, *self.ground_truth, **style),
        }
        if self.panoptic is not None:
            panels['prediction: panoptic'] = paint_panoptic(self.image, *self.panoptic, **style)
        if self.instances is not None:
            panels['prediction: instances'] = paint_instances(self.image, **self.instances._asdict(), **style)
        if self.semantic is not None:
            panels['prediction: semantic'] = paint_semantic(self.image, self.semantic, **style)
        return panels


def make_row(image: np.ndarray, sample: BaseDataElement) -> PanelRow | SegmentRow:
    """The row of a predicted sample: all predictions if it has panoptic ground truth, else the semantic one.

    Instances are left out below a score of ``SCORE_THR``.

    Raises:
        ValueError: The sample has neither a panoptic ground truth nor a semantic ground truth and prediction.
    """
    ground_truth, semantic = read_panoptic(sample, 'gt'), read_semantic(sample, 'pred')
    if ground_truth is not None:
        predictions = read_panoptic(sample, 'pred'), read_instances(sample, 'pred', SCORE_THR), semantic
        return SegmentRow(image, ground_truth, *predictions)
    labels = read_semantic(sample, 'gt')
    if labels is None or semantic is None:
        raise ValueError(
            f'The sample holds {sorted(sample.keys())}, but panels need gt_panoptic_seg, or gt_sem_seg and '
            'pred_sem_seg: let the test pipeline load and pack the ground truth.'
        )
    return PanelRow(image, labels, semantic)


def color_labels(labels: np.ndarray, palette: Sequence[Sequence[int]]) -> np.ndarray:
    """Paint a label map (H, W) in the classes' colors: (H, W, 3) uint8; values without a class are black."""
    lookup = np.array([*palette, NO_CLASS], dtype=np.uint8)
    is_class = (labels >= 0) & (labels < len(palette))
    return lookup[np.where(is_class, labels, len(palette))]


def color_errors(row: PanelRow, num_classes: int) -> np.ndarray:
    """The image in pale gray, pixels of a wrong class in red; unlabeled pixels are never wrong."""
    gray = 150 + row.image.mean(axis=2, keepdims=True) * 0.4
    errors = np.repeat(gray, 3, axis=2).astype(np.uint8)
    errors[(row.ground_truth < num_classes) & (row.ground_truth != row.prediction)] = WRONG
    return errors


def draw_panels(
    rows: Sequence[PanelRow | SegmentRow],
    classes: Sequence[str],
    palette: Colors,
    scale: int = 2,
) -> Image.Image:
    """Draw one line of panels per scene under their titles, and the colors of all classes below.

    Args:
        rows: The scenes, all of one size and one kind.
        classes: Names of the classes.
        palette: Their colors (red, green, blue).
        scale: Enlargement of the images.

    Raises:
        ValueError: There are no rows, they differ in size or kind, or the palette does not fit the classes.
    """
    if not rows:
        raise ValueError('There is nothing to draw: rows is empty.')
    if len(classes) != len(palette):
        raise ValueError(f'palette has {len(palette)} colors for {len(classes)} classes; give one for each.')
    sizes = set().union(*(row.sizes() for row in rows))
    if len(sizes) != 1:
        raise ValueError(
            f'Images and label maps of one panel must be of one size, but these have {sorted(sizes)}.'
        )
    lines = [row.draw(classes, palette, scale) for row in rows]
    if len({tuple(line) for line in lines}) != 1:
        kinds = sorted({', '.join(line) for line in lines})
        raise ValueError(f'All rows must have the same panels, but these have {" / ".join(kinds)}.')
    entries = [*zip(classes, palette, strict=True), *rows[0].legend()]
    return _compose(lines, entries)


def _compose(
    lines: Sequence[dict[str, np.ndarray]], entries: Sequence[tuple[str, Sequence[int]]]
) -> Image.Image:
    """Titles, panels and legend on one sheet."""
    titles = list(lines[0])
    height, width = lines[0][titles[0]].shape[:2]
    sheet_width = len(titles) * (width + GAP) + GAP
    legend = draw_legend(entries, sheet_width)
    top = HEADER + len(lines) * (height + GAP)
    sheet = Image.new('RGB', (sheet_width, top + legend.height), PAPER)
    draw = ImageDraw.Draw(sheet)
    for column, title in enumerate(titles):
        left = GAP + column * (width + GAP)
        draw.text((left, 5), title, fill=INK, font=get_font(title, LETTERS))
        for number, line in enumerate(lines):
            sheet.paste(Image.fromarray(line[title]), (left, HEADER + number * (height + GAP)))
    sheet.paste(legend, (0, top))
    return sheet


def _enlarge(image: np.ndarray, scale: int) -> np.ndarray:
    height, width = image.shape[:2]
    smooth = Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(image).resize((scale * width, scale * height), smooth))
