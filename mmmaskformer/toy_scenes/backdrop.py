"""Background of a scene: sky, buildings, grass and a road."""

from collections.abc import Callable

import cv2
import numpy as np

from .canvas import Light, Sprite, grain, mix, noise, paint_color

SKIES = ((0.42, 0.62, 0.90), (0.66, 0.78, 0.90), (0.62, 0.63, 0.66), (0.93, 0.68, 0.48), (0.84, 0.62, 0.68))
CLOUDS = ((0.97, 0.96, 0.95), (0.60, 0.61, 0.66), (0.93, 0.78, 0.68))
MEADOWS = ((0.30, 0.50, 0.18), (0.52, 0.58, 0.24), (0.72, 0.62, 0.34), (0.48, 0.36, 0.24), (0.62, 0.63, 0.60))
ROADS = ((0.30, 0.30, 0.32), (0.55, 0.55, 0.54), (0.62, 0.50, 0.36), (0.50, 0.34, 0.28), (0.36, 0.38, 0.44))


def sky(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A gradient between two colors, with clouds: (height, width, 3)."""
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    gradient = mix(rng, SKIES) * (1 - rows) + mix(rng, SKIES) * rows
    # Clouds are wider than tall: noise of a squeezed image, stretched.
    squeezed = noise(rng, height, max(width // 3, 4), height / 1.5, octaves=4)
    clouds = cv2.resize(squeezed, (width, height), interpolation=cv2.INTER_LINEAR)
    cover = np.clip((clouds + np.float32(rng.uniform(-0.7, 0.3))) * np.float32(1.6), 0, 0.9)[..., None]
    return gradient + cover * (mix(rng, CLOUDS) - gradient)


def grass(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A meadow whose blades grow coarser towards the viewer: (height, width, 3)."""
    tufts = noise(rng, height, width, width / 6, octaves=4)
    blades = noise(rng, height // 2 + 2, width * 2, 6, octaves=2)
    near = cv2.resize(blades, (width, height), interpolation=cv2.INTER_AREA)
    rows = np.linspace(0.3, 1, height, dtype=np.float32)[:, None]
    return mix(rng, MEADOWS) * (1 + 0.14 * tufts + 0.26 * rows * near)[..., None]


def road(rng: np.random.Generator, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Mask and color of a road over a ground of this size: towards the horizon, or across the image."""
    ground = Sprite(height, width)
    course = _course_to_horizon(rng) if rng.random() < 0.6 else _course_across(rng)

    def stretch(start: float, stop: float, reach: float) -> np.ndarray:
        corners = ((start, -reach), (start, reach), (stop, reach), (stop, -reach))
        return ground.polygon([course(along, across) for along, across in corners])

    coarse, fine = noise(rng, height, width, width / 5), noise(rng, height, width, 2, 1)
    ground.paint(stretch(0, 1, 1), mix(rng, ROADS) * (1 + 0.06 * coarse + 0.07 * fine)[..., None])
    if rng.random() < 0.7:
        paint = np.array([0.9, 0.88, 0.8]) * rng.uniform(0.8, 1.05)
        for start in (0.06, 0.18, 0.34, 0.54, 0.78):
            ground.paint(stretch(start, start * 1.12 + 0.04, 0.06), paint)
    return ground.alpha, ground.color


Course = Callable[[float, float], tuple[float, float]]
"""From the place on a road, along it in 0..1 and across it in -1..1, to the place (x, y) on the ground."""


def _course_to_horizon(rng: np.random.Generator) -> Course:
    far, near, reach = rng.uniform(0.2, 0.8), rng.uniform(0.1, 0.9), rng.uniform(0.25, 0.55)

    def course(along: float, across: float) -> tuple[float, float]:
        return far + (near - far) * along + across * (0.02 + (reach - 0.02) * along), along

    return course


def _course_across(rng: np.random.Generator) -> Course:
    reach, tilt = rng.uniform(0.15, 0.25), rng.uniform(-0.08, 0.08)
    middle = reach + rng.uniform(0.08, 0.4)

    def course(along: float, across: float) -> tuple[float, float]:
        return along, middle + tilt * along + across * reach

    return course


def building(rng: np.random.Generator, light: Light, size: float) -> Sprite:
    """A house front with windows and a door, a darker or lighter side wall, and a flat or gabled roof."""
    sprite = Sprite(size, size * rng.uniform(0.45, 1.3))
    wall = paint_color(rng, 'wall') * grain(rng, sprite.height, sprite.width, size / 4, 0.06)
    rows = np.arange(sprite.height, dtype=np.float32)[:, None, None]
    courses = 1 - 0.1 * (rows % rng.integers(5, 9) < 1.5)
    corner = rng.uniform(0.62, 0.9)
    eaves = rng.uniform(0.12, 0.28) if rng.random() < 0.5 else 0.03
    front, side = light.shade(0, 0, 1), light.shade(1, 0, 0.2)
    sprite.paint(sprite.box(0, eaves, corner, 1), wall * courses * front)
    sprite.paint(sprite.box(corner, eaves, 1, 1), wall * courses * side)
    roof = paint_color(rng, 'wall') * 0.8
    if eaves > 0.1:
        sprite.paint(sprite.polygon([(0, eaves), (corner / 2, 0), (corner, eaves)]), wall * front)
        sprite.paint(
            sprite.polygon([(corner / 2, 0), (0.5 + corner / 2, 0), (1, eaves), (corner, eaves)]),
            roof * light.shade(0.3, -0.8, 0.4),
        )
    else:
        sprite.paint(sprite.box(0, 0, 1, 0.05), roof)
    glass = mix(rng, SKIES) * rng.uniform(0.25, 0.8)
    stories, columns = int(rng.integers(2, 6)), int(rng.integers(2, 5))
    pane_width, pane_height = (
        corner / columns * rng.uniform(0.4, 0.65),
        (1 - eaves) / stories * rng.uniform(0.4, 0.6),
    )
    for story in range(stories):
        top = eaves + (1 - eaves) * (story + 0.25) / stories
        for column in range(columns):
            left = corner * (column + 0.5) / columns - pane_width / 2
            lit = rng.uniform(0.6, 1.3)
            sprite.paint(sprite.box(left, top, left + pane_width, top + pane_height), glass * lit)
    return sprite
