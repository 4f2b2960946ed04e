"""The segments of a scene as COCO panoptic annotations."""

import numpy as np

from ..id_maps import describe_segment
from .classes import CATEGORIES
from .scene import Scene


def categories_json() -> list[dict]:
    """The ``categories`` of the COCO panoptic JSON."""
    return [
        {
            'id': number,
            'name': category.name,
            'supercategory': 'thing' if category.isthing else 'stuff',
            'isthing': int(category.isthing),
            'color': list(category.color),
        }
        for number, category in enumerate(CATEGORIES, start=1)
    ]


def color_segments(scene: Scene) -> tuple[list[int], np.ndarray]:
    """Gives every segment an id of its own whose color is close to its category's, as COCO does.

    Returns:
        The ids, R + 256 G + 65536 B, in the order of ``scene.categories``; and the id map as an RGB image
        (H, W, 3) uint8, black where unlabelled.
    """
    colors = np.zeros((len(scene.categories) + 1, 3), dtype=np.uint8)
    taken: dict[int, int] = {}
    for segment, number in enumerate(scene.categories, start=1):
        repeat = taken[number] = taken.get(number, -1) + 1
        steps = (repeat % 3, repeat // 3 % 3, repeat // 9)
        colors[segment] = np.clip(np.array(CATEGORIES[number - 1].color) - 9 * np.array(steps), 1, 255)
    ids = colors[1:].astype(int) @ (1, 256, 65536)
    return ids.tolist(), colors[scene.segments]


def describe_segments(scene: Scene, ids: list[int]) -> list[dict]:
    """The ``segments_info`` of the COCO panoptic JSON."""
    return [
        describe_segment(scene.segments == segment, segment_id, number)
        for segment, (number, segment_id) in enumerate(zip(scene.categories, ids, strict=True), start=1)
    ]
