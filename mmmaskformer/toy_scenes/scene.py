"""Composes scenes: background first, then things from far to near."""

from dataclasses import dataclass

import cv2
import numpy as np

from ..datasets.toy import CATEGORIES, CATEGORY_IDS, UNLABELED
from .backdrop import building, grass, road, sky
from .canvas import Light, Sprite
from .things import DRAWERS, stone

SUPERSAMPLING = 2
SMALLEST_SEGMENT = 40
"""Segments with fewer visible pixels become unlabeled."""

# Height of each thing where the ground meets the lower edge, as a share of the image's height.
HEIGHTS = {'tree': 1.2, 'car': 0.56, 'person': 0.96, 'ball': 0.56, 'crate': 0.54, 'sign': 1.0}


@dataclass(frozen=True)
class Scene:
    """A drawn scene.

    ``image`` is (H, W, 3) uint8 RGB; ``segments`` is (H, W) int32, 0 where unlabeled, else n for the
    segment of category ``categories[n - 1]``.
    """

    image: np.ndarray
    segments: np.ndarray
    categories: tuple[int, ...]

    @property
    def labels(self) -> np.ndarray:
        """(H, W) uint8: 0 unlabeled, else the category id."""
        return np.array((UNLABELED, *self.categories), dtype=np.uint8)[self.segments]


class _Painting:
    """A scene in the making, at the supersampled size."""

    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = height, width
        self.image = np.zeros((height, width, 3), dtype=np.float32)
        self.segments = np.zeros((height, width), dtype=np.int32)
        self.categories: list[int] = []

    def cover(self, mask: np.ndarray, color: np.ndarray, category: str, rows: slice) -> None:
        """Lays a surface of the image's width over these rows."""
        self.image[rows] += mask[..., None] * (color - self.image[rows])
        self._label(self.segments[rows], mask, category)

    def place(self, sprite: Sprite, x: int, foot: int, category: str | None) -> None:
        """Pastes a sprite that stands on row ``foot``, centered on column ``x``; it may leave the image."""
        top, left = foot - sprite.height, x - sprite.width // 2
        rows = slice(max(top, 0), min(foot, self.height))
        columns = slice(max(left, 0), min(left + sprite.width, self.width))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return
        inside = (slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left))
        alpha = sprite.alpha[inside]
        self.image[rows, columns] += alpha[..., None] * (sprite.color[inside] - self.image[rows, columns])
        self._label(self.segments[rows, columns], alpha, category)

    def shadow(self, sprite: Sprite, x: int, foot: int, light: Light, horizon: int) -> None:
        """Darkens the ground where the sprite's shadow falls: folded back at its foot, away from the sun."""
        lean, fold = -0.8 * float(light.direction[0]), 0.3
        to_ground = np.array(
            [
                [1, -lean, x - sprite.width / 2 + lean * sprite.height],
                [0, fold, foot - 2 - fold * sprite.height],
            ],
            dtype=np.float32,
        )
        cast = cv2.warpAffine(sprite.alpha, to_ground, (self.width, self.height), flags=cv2.INTER_LINEAR)[
            horizon:
        ]
        self.image[horizon:] *= 1 - 0.5 * cv2.blur(cast, (5, 5))[..., None]

    def _label(self, segments: np.ndarray, mask: np.ndarray, category: str | None) -> None:
        """Writes a new segment; stuff of one category is one segment however many pieces it has."""
        if category is None:
            segments[mask >= 0.5] = 0
            return
        number = CATEGORY_IDS[category]
        if CATEGORIES[number - 1].isthing or number not in self.categories:
            self.categories.append(number)
            segments[mask >= 0.5] = len(self.categories)
        else:
            segments[mask >= 0.5] = self.categories.index(number) + 1


def draw_scene(rng: np.random.Generator, height: int = 192, width: int = 256) -> Scene:
    """Draws one scene; the generator decides everything in it."""
    painting = _Painting(height * SUPERSAMPLING, width * SUPERSAMPLING)
    light = Light.draw(rng)
    horizon = int(painting.height * rng.uniform(0.3, 0.5))
    _draw_backdrop(rng, painting, light, horizon)
    _draw_things(rng, painting, light, horizon)
    segments = np.ascontiguousarray(painting.segments[::SUPERSAMPLING, ::SUPERSAMPLING])
    return Scene(_develop(rng, painting, light), *remove_slivers(segments, painting.categories))


def _draw_backdrop(rng: np.random.Generator, painting: _Painting, light: Light, horizon: int) -> None:
    height, width = painting.height, painting.width
    everywhere = np.ones((height, width), dtype=np.float32)
    above, below = slice(0, horizon), slice(horizon, height)
    painting.cover(everywhere[above], sky(rng, horizon, width), 'sky', above)
    painting.cover(everywhere[below], grass(rng, height - horizon, width), 'grass', below)
    painting.cover(*road(rng, height - horizon, width), 'road', below)
    for _ in range(rng.integers(1, 5)):
        house = building(rng, light, height * rng.uniform(0.2, 0.55))
        painting.place(house, int(rng.integers(width)), horizon + int(rng.integers(4, 16)), 'building')


def _draw_things(rng: np.random.Generator, painting: _Painting, light: Light, horizon: int) -> None:
    """Places things on the ground from far to near; their size follows from how far they stand."""
    names = [*rng.choice(list(HEIGHTS), rng.integers(3, 6)), *(['stone'] * rng.integers(0, 3))]
    for nearness in np.sort(rng.uniform(0.35, 1.0, len(names))):
        name = names.pop(rng.integers(len(names)))
        foot = horizon + int(nearness * (painting.height - horizon))
        size = painting.height * HEIGHTS.get(name, 0.08) * (0.25 + 0.75 * nearness) * rng.uniform(0.8, 1.2)
        x = int(painting.width * rng.uniform(0.08, 0.92))
        sprite = DRAWERS.get(name, stone)(rng, light, size)
        painting.shadow(sprite, x, foot, light, horizon)
        painting.place(sprite, x, foot, name if name in DRAWERS else None)


def _develop(rng: np.random.Generator, painting: _Painting, light: Light) -> np.ndarray:
    """The camera: tint of the light, exposure, a little noise, and 8 bits at the final size."""
    size = (painting.width // SUPERSAMPLING, painting.height // SUPERSAMPLING)
    image = cv2.resize(painting.image, size, interpolation=cv2.INTER_AREA) * light.color
    image = np.clip(image, 0, 1) ** np.float32(rng.uniform(0.92, 1.1))
    image += rng.uniform(0.004, 0.012) * rng.standard_normal(image.shape, dtype=np.float32)
    return np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)


def remove_slivers(
    segments: np.ndarray, categories: list[int], smallest: int = SMALLEST_SEGMENT
) -> tuple[np.ndarray, tuple[int, ...]]:
    """Unlabels outlines between segments and tiny segments, and renumbers the remaining ones from 1.

    Args:
        segments: Segment of every pixel (H, W), from 1.
        categories: Their categories.
        smallest: Segments of fewer pixels become unlabeled.

    Returns:
        The new segments and their categories.
    """
    outline = np.zeros(segments.shape, dtype=bool)
    outline[:, 1:] |= segments[:, 1:] != segments[:, :-1]
    outline[1:] |= segments[1:] != segments[:-1]
    segments = np.where(outline, UNLABELED, segments)
    areas = np.bincount(segments.ravel(), minlength=len(categories) + 1)
    kept = [number for number in range(1, len(categories) + 1) if areas[number] >= smallest]
    numbers = np.zeros(len(categories) + 1, dtype=np.int32)
    numbers[kept] = np.arange(1, len(kept) + 1)
    return numbers[segments], tuple(categories[number - 1] for number in kept)
