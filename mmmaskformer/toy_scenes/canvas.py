"""Small drawing tools: noise, colors, light, and sprites to paint on. Images are float32 RGB in 0..1."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

Points = Sequence[tuple[float, float]] | np.ndarray
Radius = float | np.ndarray

PAINTS = {
    'red': (0.78, 0.15, 0.13), 'orange': (0.90, 0.48, 0.12), 'yellow': (0.92, 0.80, 0.20),
    'green': (0.26, 0.52, 0.24), 'teal': (0.14, 0.44, 0.40), 'sky blue': (0.30, 0.58, 0.84),
    'blue': (0.16, 0.26, 0.62), 'purple': (0.48, 0.24, 0.54), 'pink': (0.84, 0.58, 0.60),
    'brown': (0.50, 0.33, 0.20), 'ochre': (0.74, 0.58, 0.36), 'cream': (0.86, 0.80, 0.66),
    'white': (0.90, 0.90, 0.88), 'grey': (0.55, 0.56, 0.57), 'black': (0.15, 0.15, 0.17),
}  # fmt: skip

# What is painted how. Every paint is shared by several kinds, so that color hints at the class and no more.
PALETTES = {
    'wall': ('pink', 'ochre', 'cream', 'grey', 'brown', 'teal'),
    'car': ('red', 'blue', 'white', 'black', 'sky blue', 'grey'),
    'shirt': ('red', 'purple', 'teal', 'pink', 'green', 'orange'),
    'trousers': ('blue', 'black', 'grey', 'brown'),
    'ball': ('red', 'orange', 'yellow', 'purple', 'pink', 'sky blue'),
    'crate': ('brown', 'ochre', 'orange', 'cream'),
    'sign rim': ('red', 'blue', 'black'),
    'sign face': ('white', 'yellow', 'cream', 'sky blue'),
}


@dataclass(frozen=True)
class Light:
    """Sunlight.

    ``direction`` points to the sun (x right, y down, z towards the viewer); ``ambient`` is the brightness of
    what the sun does not reach; ``color`` tints the whole image.
    """

    direction: np.ndarray
    ambient: float
    color: np.ndarray

    @classmethod
    def draw(cls, rng: np.random.Generator) -> 'Light':
        """Draw a direction, brightness and color of sunlight."""
        side = rng.choice([-1.0, 1.0]) * rng.uniform(0.4, 1.0)
        direction = np.array([side, -rng.uniform(0.5, 1.0), rng.uniform(0.2, 0.6)], dtype=np.float32)
        warmth = rng.uniform(-0.06, 0.1)
        color = np.array([1 + warmth, 1.0, 1 - warmth], dtype=np.float32) * rng.uniform(0.85, 1.1)
        return cls(direction / np.linalg.norm(direction), rng.uniform(0.45, 0.65), color.astype(np.float32))

    def shade(self, x: np.ndarray | float, y: np.ndarray | float, z: np.ndarray | float) -> np.ndarray:
        """Brightness of surfaces with these normals."""
        facing = x * self.direction[0] + y * self.direction[1] + z * self.direction[2]
        return np.float32(self.ambient) + np.float32(1.25 - self.ambient) * np.clip(facing, 0, 1)

    def shade_cylinder(self, width: int) -> np.ndarray:
        """Brightness across an upright cylinder: (1, width, 1)."""
        x = np.linspace(-0.95, 0.95, width, dtype=np.float32)
        return self.shade(x, 0.0, np.sqrt(1 - x**2))[None, :, None]


class Sprite:
    """Image of one thing in its own box: ``color`` (h, w, 3) and coverage ``alpha`` (h, w), in 0..1."""

    def __init__(self, height: float, width: float) -> None:
        self.height, self.width = max(round(height), 4), max(round(width), 4)
        self.color = np.zeros((self.height, self.width, 3), dtype=np.float32)
        self.alpha = np.zeros((self.height, self.width), dtype=np.float32)

    def paint(self, mask: np.ndarray, color: np.ndarray | Sequence[float] | float) -> None:
        """Lays a color, one or one per pixel, over the part that the mask covers."""
        left, top, width, height = cv2.boundingRect((mask > 0).view(np.uint8))
        box = slice(top, top + height), slice(left, left + width)
        color = np.broadcast_to(np.asarray(color, dtype=np.float32), self.color.shape)
        self.color[box] += mask[box][..., None] * (color[box] - self.color[box])
        np.maximum(self.alpha[box], mask[box], out=self.alpha[box])

    def polygon(self, points: Points) -> np.ndarray:
        """Mask of a polygon whose corners are given as fractions (x, y) of the box."""
        corners = np.array(points, dtype=np.float32) * (self.width - 1, self.height - 1)
        mask = np.zeros((self.height, self.width), dtype=np.uint8)
        cv2.fillPoly(mask, [np.round(corners * 16).astype(np.int32)], 255, cv2.LINE_AA, shift=4)
        return mask.astype(np.float32) / 255

    def box(self, left: float, top: float, right: float, bottom: float) -> np.ndarray:
        """Mask of an upright box, in fractions of the sprite's box."""
        return self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)])

    def ellipse(self, x: float, y: float, radius_x: float, radius_y: float) -> np.ndarray:
        """Mask of an ellipse, in fractions of the box."""
        turns = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        return self.polygon(ring(x, y, radius_x, radius_y, turns))


def ring(x: float, y: float, radius_x: Radius, radius_y: Radius, turns: np.ndarray) -> np.ndarray:
    """Points (n, 2) about a center, in the directions ``turns`` (in radians)."""
    return np.stack([x + radius_x * np.cos(turns), y + radius_y * np.sin(turns)], axis=1)


def noise(rng: np.random.Generator, height: int, width: int, cell: float, octaves: int = 3) -> np.ndarray:
    """Smooth noise (height, width), mostly within -1..1; its coarsest features are ``cell`` pixels wide."""
    total = np.zeros((height, width), dtype=np.float32)
    for octave in range(octaves):
        step = max(cell / 2**octave, 1.0)
        grid = rng.random((int(height / step) + 2, int(width / step) + 2), dtype=np.float32)
        total += cv2.resize(grid * 2 - 1, (width, height), interpolation=cv2.INTER_CUBIC) / 2**octave
    return total


def grain(rng: np.random.Generator, height: int, width: int, cell: float, strength: float) -> np.ndarray:
    """Factors (height, width, 1) about 1 that give a surface texture."""
    return 1 + strength * noise(rng, height, width, cell)[..., None]


def paint_color(rng: np.random.Generator, palette: str) -> np.ndarray:
    """One of the palette's paints, faded or darkened a little."""
    color = np.array(PAINTS[rng.choice(PALETTES[palette])])
    color = color + rng.uniform(0, 0.35) * (color.mean() - color)
    return (color * rng.uniform(0.75, 1.15) + rng.uniform(-0.05, 0.05, 3)).clip(0.03, 1).astype(np.float32)


def mix(rng: np.random.Generator, colors: Sequence[tuple[float, float, float]]) -> np.ndarray:
    """A random blend of two of these colors."""
    first, second = rng.choice(len(colors), 2, replace=False)
    share = rng.uniform()
    return (share * np.array(colors[first]) + (1 - share) * np.array(colors[second])).astype(np.float32)
