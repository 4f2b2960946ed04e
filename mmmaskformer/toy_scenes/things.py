"""One function per kind of thing: each draws it ``size`` pixels tall, standing on its box's lower edge."""

from collections.abc import Callable, Iterator

import numpy as np

from .canvas import Light, Sprite, grain, mix, paint_color, ring

SKINS = ((0.94, 0.78, 0.66), (0.78, 0.58, 0.44), (0.52, 0.36, 0.26), (0.30, 0.20, 0.15))
LEAVES = ((0.16, 0.36, 0.12), (0.36, 0.48, 0.14), (0.70, 0.42, 0.12), (0.62, 0.22, 0.12), (0.20, 0.34, 0.30))
# Corners of a sign's board, and its turn in full circles: triangle, diamond, square, octagon, disc.
BOARDS = ((3, -0.25), (4, 0), (4, 0.125), (8, 0.0625), (40, 0))
BARKS = ((0.36, 0.26, 0.18), (0.50, 0.44, 0.38), (0.72, 0.70, 0.66))


def ball(rng: np.random.Generator, light: Light, size: float) -> Sprite:
    """A sphere, striped or patched with two paints."""
    sprite = Sprite(size, size)
    y, x = np.mgrid[-1 : 1 : sprite.height * 1j, -1 : 1 : sprite.width * 1j].astype(np.float32)
    z = np.sqrt(np.clip(1 - x**2 - y**2, 0, 1))
    turn = rng.uniform(0, np.pi)
    across = x * np.cos(turn) + y * np.sin(turn)
    along = y * np.cos(turn) - x * np.sin(turn)
    pattern = [
        np.sin(across * rng.uniform(4, 9)) > 0,
        np.sin(across * rng.uniform(4, 7)) * np.sin(np.arctan2(along, z + 0.4) * 5) > 0,
        np.abs(across) < rng.uniform(0.15, 0.35),
    ][rng.integers(3)]
    first, second = paint_color(rng, 'ball'), paint_color(rng, 'ball')
    color = np.where(pattern[..., None] > 0, second, first) * grain(
        rng, sprite.height, sprite.width, size / 4, 0.06
    )
    shine = np.clip(x * light.direction[0] + y * light.direction[1] + z * light.direction[2], 0, 1) ** 24
    sprite.paint(
        sprite.ellipse(0.5, 0.5, 0.5, 0.5), color * light.shade(x, y, z)[..., None] + 0.4 * shine[..., None]
    )
    return sprite


def crate(rng: np.random.Generator, light: Light, size: float) -> Sprite:
    """A box of planks, seen from a little above: front, top and one side."""
    sprite = Sprite(size, size * rng.uniform(1.0, 1.5))
    depth, top = rng.uniform(0.12, 0.3), rng.uniform(0.12, 0.25)
    wood = paint_color(rng, 'crate') * grain(rng, sprite.height, sprite.width, size / 3, 0.12)
    flip = rng.random() < 0.5
    faces = [
        ([(0, top), (1 - depth, top), (1 - depth, 1), (0, 1)], (0, 0, 1)),
        ([(0, top), (depth, 0), (1, 0), (1 - depth, top)], (0, -1, 0.2)),
        ([(1 - depth, top), (1, 0), (1, 1 - top), (1 - depth, 1)], (-1 if flip else 1, 0, 0.2)),
    ]
    for corners, normal in faces:
        points = [(1 - x, y) if flip else (x, y) for x, y in corners]
        sprite.paint(sprite.polygon(points), wood * light.shade(*normal))
    planks = rng.integers(3, 6)
    edge = 0.08
    for plank in range(1, planks):
        level = top + (1 - top) * plank / planks
        sprite.paint(_mirrored_box(sprite, flip, 0, level, 1 - depth, level + 0.025) * 0.7, wood * 0.35)
    for left in (0, 1 - depth - edge):
        beam = _mirrored_box(sprite, flip, left, top, left + edge, 1)
        sprite.paint(beam, wood * 0.75 * light.shade(0, 0, 1))
    return sprite


def _mirrored_box(
    sprite: Sprite, flip: bool, left: float, top: float, right: float, bottom: float
) -> np.ndarray:
    return sprite.box(1 - right, top, 1 - left, bottom) if flip else sprite.box(left, top, right, bottom)


def car(rng: np.random.Generator, light: Light, size: float) -> Sprite:
    """A car from the side: body, cabin with windows, two wheels; saloon or hatchback by its proportions."""
    sprite = Sprite(size, size * rng.uniform(1.8, 2.5))
    rear, front = rng.uniform(0.03, 0.22), rng.uniform(0.62, 0.86)
    belt = rng.uniform(0.36, 0.48)
    sill = belt + 0.1
    cabin = [
        (rear, sill),
        (rear, belt),
        (rear + 0.08, 0.02),
        (front - 0.14, 0.02),
        (front, belt),
        (front, sill),
    ]
    body = [
        (0.01, belt + 0.05),
        (0.06, belt),
        (0.94, belt + 0.06),
        (0.99, belt + 0.16),
        (0.99, 0.82),
        (0.01, 0.82),
    ]
    rows = np.linspace(-0.7, 0.7, sprite.height, dtype=np.float32)[:, None]
    paint = paint_color(rng, 'car') * light.shade(0.0, rows, np.sqrt(1 - rows**2))[..., None]
    sprite.paint(sprite.polygon(cabin), paint)
    sprite.paint(sprite.polygon(body), paint * grain(rng, sprite.height, sprite.width, size / 2, 0.05))
    middle = np.array([(rear + front) / 2, belt / 2 + 0.03])
    glass = [tuple(middle + (np.array(corner) - middle) * (0.84, 0.7)) for corner in cabin[1:5]]
    sprite.paint(
        sprite.polygon(glass),
        np.array([0.22, 0.28, 0.34], dtype=np.float32)
        * grain(rng, sprite.height, sprite.width, size / 3, 0.25),
    )
    pillar = (rear + front) / 2 + rng.uniform(-0.06, 0.06)
    sprite.paint(sprite.box(pillar, 0.05, pillar + 0.025, belt), paint)
    ratio = sprite.height / sprite.width
    for x in (0.2, 0.8):
        sprite.paint(sprite.ellipse(x, 0.81, 0.19 * ratio, 0.19), 0.08)
        sprite.paint(sprite.ellipse(x, 0.81, 0.09 * ratio, 0.09), 0.55 * float(light.shade(0, 0, 1)))
    sprite.paint(sprite.ellipse(0.965, belt + 0.17, 0.022, 0.05), (0.95, 0.92, 0.7))
    if rng.random() < 0.5:
        sprite.color, sprite.alpha = sprite.color[:, ::-1], sprite.alpha[:, ::-1]
    return sprite


def person(rng: np.random.Generator, light: Light, size: float) -> Sprite:
    """A person standing or walking: trousers, shirt, arms, head and hair."""
    sprite = Sprite(size, size * 0.5)
    shade = light.shade_cylinder(sprite.width) * grain(rng, sprite.height, sprite.width, size / 10, 0.1)
    skin, hair = mix(rng, SKINS), mix(rng, BARKS) * rng.uniform(0.2, 0.8)
    shirt, trousers = paint_color(rng, 'shirt'), paint_color(rng, 'trousers')
    stride, swing = rng.uniform(0.05, 0.24), rng.uniform(0.0, 0.14)
    hip, shoulder = 0.56, 0.22
    for side in (-1, 1):
        foot = 0.5 + side * stride
        leg = [(0.5 - 0.17, hip), (0.5 + 0.17, hip), (foot + 0.12, 0.97), (foot - 0.12, 0.97)]
        sprite.paint(sprite.polygon(leg), trousers * shade * (0.85 if side < 0 else 1))
        sprite.paint(sprite.box(foot - 0.13, 0.94, foot + 0.16, 1), 0.1)
    torso = [(0.24, shoulder), (0.76, shoulder), (0.7, hip + 0.03), (0.3, hip + 0.03)]
    sprite.paint(sprite.polygon(torso), shirt * shade)
    for side in (-1, 1):
        joint, hand = 0.5 + side * 0.22, 0.5 + side * (0.26 + swing)
        arm = [(joint - 0.1, shoulder), (joint + 0.09, shoulder), (hand + 0.09, hip), (hand - 0.09, hip)]
        sprite.paint(sprite.polygon(arm), shirt * shade * 0.85)
        sprite.paint(sprite.ellipse(hand, hip + 0.02, 0.09, 0.04), skin * shade)
    sprite.paint(sprite.box(0.42, 0.15, 0.58, 0.24), skin * shade * 0.85)
    sprite.paint(sprite.ellipse(0.5, 0.1, 0.21, 0.1), hair * shade)
    sprite.paint(sprite.ellipse(0.5, 0.12, 0.17, 0.08), skin * shade)
    return sprite


def tree(rng: np.random.Generator, light: Light, size: float) -> Sprite:
    """A trunk under a crown of leaves: heaped round clumps, or the tiers of a conifer."""
    sprite = Sprite(size, size * rng.uniform(0.5, 0.85))
    height, width = sprite.height, sprite.width
    trunk = rng.uniform(0.08, 0.12)
    trunk_shape = [(0.5 - trunk / 2, 0.4), (0.5 + trunk / 2, 0.4), (0.5 + trunk, 1), (0.5 - trunk, 1)]
    bark = mix(rng, BARKS) * light.shade_cylinder(width) * grain(rng, height, width, size / 12, 0.2)
    sprite.paint(sprite.polygon(trunk_shape), bark)
    leaves = mix(rng, LEAVES) * grain(rng, height, width, size / 12, 0.4)
    columns = np.linspace(0, 1, width, dtype=np.float32)[None]
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    for x, y, reach, mask in _tiers(rng, sprite) if rng.random() < 0.4 else _clumps(rng, sprite):
        bulge_x, bulge_y = np.clip((columns - x) / reach, -1, 1), np.clip((rows - y) / reach, -1, 1)
        shade = light.shade(0.8 * bulge_x, 0.8 * bulge_y, 0.4)
        sprite.paint(mask, leaves * shade[..., None])
    return sprite


def _tiers(rng: np.random.Generator, sprite: Sprite) -> Iterator[tuple[float, float, float, np.ndarray]]:
    """Center, reach and mask of each tier of a conifer, from the lowest up."""
    num_tiers, bottom = int(rng.integers(3, 6)), rng.uniform(0.75, 0.9)
    step = bottom / num_tiers
    for tier in reversed(range(num_tiers)):
        y, reach = step * (tier + 0.6), 0.2 + 0.3 * (tier + 1) / num_tiers
        low, high = y + 0.4 * step, y - 1.6 * step
        yield 0.5, y, reach, sprite.polygon([(0.5, high), (0.5 + reach, low), (0.5 - reach, low)])


def _clumps(rng: np.random.Generator, sprite: Sprite) -> Iterator[tuple[float, float, float, np.ndarray]]:
    """Center, reach and mask of each clump of leaves, from the lowest up."""
    for y in sorted(rng.uniform(0.2, 0.52, 9), reverse=True):
        x, reach = rng.uniform(0.26, 0.74), rng.uniform(0.16, 0.26)
        yield x, y, reach, sprite.ellipse(x, y, reach, reach * 0.75)


def sign(rng: np.random.Generator, light: Light, size: float) -> Sprite:
    """A traffic sign: a board of one of five shapes, with a rim and a glyph, on a post."""
    sprite = Sprite(size, size * 0.5)
    post = rng.uniform(0.4, 0.75) * light.shade_cylinder(sprite.width)
    sprite.paint(sprite.box(0.42, 0.3, 0.58, 1), post)
    num_corners, turn = BOARDS[rng.integers(len(BOARDS))]
    turns = 2 * np.pi * (np.arange(num_corners) / num_corners + turn)
    rim, face = paint_color(rng, 'sign rim'), paint_color(rng, 'sign face')
    light_on_board = light.shade(0, 0, 1) * grain(rng, sprite.height, sprite.width, size / 3, 0.08)

    def board(reach: float) -> np.ndarray:
        return sprite.polygon(ring(0.5, 0.25, reach, reach / 2, turns))

    sprite.paint(board(0.5), rim * light_on_board)
    sprite.paint(board(0.39), face * light_on_board)
    marks = [
        sprite.box(0.3, 0.22, 0.7, 0.28),
        sprite.polygon(
            [(0.5, 0.15), (0.68, 0.25), (0.55, 0.25), (0.55, 0.35), (0.45, 0.35), (0.45, 0.25), (0.32, 0.25)]
        ),
        sprite.box(0.46, 0.16, 0.54, 0.28) + sprite.box(0.46, 0.31, 0.54, 0.35),
    ]
    sprite.paint(marks[rng.integers(len(marks))] * board(0.36), rim * light_on_board)
    return sprite


def stone(rng: np.random.Generator, light: Light, size: float) -> Sprite:
    """A stone, which belongs to no class."""
    sprite = Sprite(size, size * rng.uniform(1.2, 2))
    turns = np.linspace(0, 2 * np.pi, 9, endpoint=False)
    reach = rng.uniform(0.34, 0.5, 9)
    rows = np.linspace(-0.9, 0.9, sprite.height, dtype=np.float32)[:, None]
    shade = light.shade(0.0, rows, 0.5)[..., None] * grain(rng, sprite.height, sprite.width, size / 2, 0.2)
    sprite.paint(
        sprite.polygon(ring(0.5, 0.5, reach, reach, turns)),
        rng.uniform(0.3, 0.7) * shade * np.ones(3, dtype=np.float32),
    )
    return sprite


DRAWERS: dict[str, Callable[[np.random.Generator, Light, float], Sprite]] = {
    'tree': tree, 'car': car, 'person': person, 'ball': ball, 'crate': crate, 'sign': sign,
}  # fmt: skip
