"""The scenes that are drawn into folders of every format, and what these should be read as."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

CLASSES = ('tree', 'car', 'road')  # not in the order of the alphabet
COLORS = ((20, 110, 50), (30, 50, 180), (120, 80, 140))
VOID = 255
STEMS = ('a 1', 'bäume_2', 'c.3', 'd-4', 'e5', 'f6', 'g7', 'h8')


@dataclass
class Shape:
    """An object: a rectangle, an L, or a ring.

    Attributes:
        label: Index of its class.
        outline: Corners (x, y) around it.
        holes: Corners of what is cut out.
    """

    label: int
    outline: list[tuple[int, int]]
    holes: list[list[tuple[int, int]]] = field(default_factory=list)

    def mask(self, shape: tuple[int, int]) -> np.ndarray:
        """Its pixels: those whose center is inside."""
        inside = _inside(self.outline, shape)
        for hole in self.holes:
            inside &= ~_inside(hole, shape)
        return inside


@dataclass
class Scene:
    """An image with its objects; pixels of none are road, and the last row belongs to no class."""

    stem: str
    size: tuple[int, int]
    shapes: list[Shape]

    @property
    def labels(self) -> np.ndarray:
        """``(H, W)`` uint8: index of the class, 255 for none; later objects cover earlier ones."""
        labels = np.full(self.size, CLASSES.index('road'), np.uint8)
        for shape in self.shapes:
            labels[shape.mask(self.size)] = shape.label
        labels[-1] = VOID
        return labels

    @property
    def image(self) -> np.ndarray:
        """``(H, W, 3)`` uint8 BGR: the colors of the classes with noise."""
        palette = np.array([*COLORS, (0, 0, 0)])[:, ::-1]
        noise = np.random.RandomState(len(self.stem)).randint(-15, 15, (*self.size, 3))
        return (palette[np.minimum(self.labels, len(CLASSES))] + noise).clip(0, 255).astype(np.uint8)


def _inside(corners: list[tuple[int, int]], shape: tuple[int, int]) -> np.ndarray:
    """Pixels whose center is inside a polygon, by counting the edges to their left."""
    ys, xs = np.mgrid[: shape[0], : shape[1]] + 0.5
    inside = np.zeros(shape, bool)
    for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]]):
        if y0 != y1:
            crosses = (min(y0, y1) < ys) & (ys < max(y0, y1))
            inside ^= crosses & (x0 + (ys - y0) / (y1 - y0) * (x1 - x0) < xs)
    return inside


def rectangle(x0: int, y0: int, x1: int, y1: int) -> list[tuple[int, int]]:
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def scenes(number: int = len(STEMS)) -> list[Scene]:
    """Scenes with two cars, a tree with a hole and, in every other one, an L of a tree."""
    found = []
    for place, stem in enumerate(STEMS[:number]):
        size = (48, 64) if place % 3 else (64, 48)
        step = place % 5
        shapes = [
            Shape(1, rectangle(2 + step, 3, 14 + step, 11)),
            Shape(1, rectangle(22, 5 + step, 34, 15 + step)),
            Shape(0, rectangle(4, 22 + step, 24, 40), [rectangle(10, 28 + step, 16, 34)]),
        ]
        if place % 2:
            shapes.append(Shape(0, [(28, 24), (44, 24), (44, 30), (34, 30), (34, 42), (28, 42)]))
        found.append(Scene(stem, size, shapes))
    return found


@dataclass
class Drawn:
    """What a fixture should be read as.

    Attributes:
        task: The task it allows.
        classes: Names in order.
        labels: For semantic formats: by stem of the image, the label map as training gets it.
        masks: For other formats: by stem, index of the class and mask of each segment.
    """

    task: str
    classes: tuple[str, ...] = CLASSES
    labels: dict[str, np.ndarray] = field(default_factory=dict)
    masks: dict[str, list[tuple[int, np.ndarray]]] = field(default_factory=dict)


def save(path: Path, pixels: np.ndarray) -> None:
    """Write an image; OpenCV's BGR."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, pixels)[1].tobytes())


def save_palette(path: Path, labels: np.ndarray, colors: dict[int, tuple]) -> None:
    """Write a PNG with a palette."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(labels)
    palette = np.zeros((256, 3), np.uint8)
    for value, color in colors.items():
        palette[value] = color
    image.putpalette(palette.ravel().tolist())
    image.save(path)


def save_json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding='utf-8')


def semantic(drawn: list[Scene]) -> Drawn:
    return Drawn('semantic', labels={scene.stem: scene.labels for scene in drawn})


def objects(drawn: list[Scene], classes: tuple[str, ...] = CLASSES[:2]) -> Drawn:
    masks = {s.stem: [(shape.label, shape.mask(s.size)) for shape in s.shapes] for s in drawn}
    return Drawn('instance', classes, masks=masks)
