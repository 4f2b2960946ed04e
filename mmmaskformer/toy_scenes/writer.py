"""Writes the toy data set to disk: JPEG images, ADE20K-like label PNGs, COCO panoptic JSON and id PNGs."""

import json
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from ..datasets.id_maps import describe_segment
from ..datasets.toy import CATEGORIES, categories_json
from ..file_names import opencv_path
from .scene import Scene, draw_scene

_T = TypeVar('_T')

RECIPE_FILE = 'toy.json'
DRAWING = 1
"""Version of the drawing code: raise it when the same seed gives other scenes."""


@dataclass(frozen=True)
class ToyRecipe:
    """Settings of a toy data set; equal recipes give identical files."""

    num_training: int = 480
    num_validation: int = 96
    height: int = 192
    width: int = 256
    seed: int = 0
    drawing: int = DRAWING

    def __post_init__(self) -> None:
        for name in ('num_training', 'num_validation'):
            if getattr(self, name) < 1:
                raise ValueError(f'{name} is {getattr(self, name)}; each split needs at least one scene.')
        if min(self.height, self.width) < 64:
            raise ValueError(
                f'Scenes of {self.height}x{self.width} are too small to draw; height and width need >= 64.'
            )
        if self.seed < 0:
            raise ValueError(f'seed is {self.seed}, but must not be negative.')

    @property
    def splits(self) -> dict[str, int]:
        """Number of scenes of each split."""
        return {'training': self.num_training, 'validation': self.num_validation}

    def draw(self, split: str, index: int) -> Scene:
        """Draws one scene; it does not depend on other scenes."""
        rng = np.random.default_rng([self.seed, list(self.splits).index(split), index])
        return draw_scene(rng, self.height, self.width)


def write_toy(root: str | Path, recipe: ToyRecipe = ToyRecipe(), num_workers: int = 2) -> bool:
    """Writes the data set into the folder ``root``, or keeps one that is there, complete and of this recipe.

    The folder appears only when all of it is written, so that an interrupted run leaves none.

    Returns:
        Whether anything was written.

    Raises:
        FileExistsError: ``root`` holds something else.
    """
    root = Path(root)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        check_complete(root, recipe)
        return False
    root.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f'{root.name}-unfinished-', dir=root.parent))
    try:
        unfinished.chmod(0o755)
        for split, num_scenes in recipe.splits.items():
            _write_split(unfinished, recipe, split, num_scenes, num_workers)
        (unfinished / RECIPE_FILE).write_text(json.dumps(asdict(recipe), indent=1) + '\n')
        unfinished.replace(root)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return True


def check_complete(root: Path, recipe: ToyRecipe) -> None:
    """Raises FileExistsError unless ``root`` holds all files of this recipe."""
    advice = 'Remove that folder or write to another one.'
    if not root.is_dir():
        raise FileExistsError(f'{root} is a file, not a folder. {advice}')
    if not (root / RECIPE_FILE).is_file():
        raise FileExistsError(f'{root} is not empty and holds no toy data set (no {RECIPE_FILE}). {advice}')
    try:
        found = json.loads((root / RECIPE_FILE).read_text())
    except json.JSONDecodeError as error:
        raise FileExistsError(f'{root / RECIPE_FILE} cannot be read ({error}). {advice}') from error
    if found != asdict(recipe):
        differences = ', '.join(
            f'{name} {found.get(name)} instead of {value}'
            for name, value in asdict(recipe).items()
            if found.get(name) != value
        )
        raise FileExistsError(
            f'{root} holds another toy data set ({differences or "unknown settings"}). {advice}'
        )
    for path in _files(recipe):
        if not (root / path).is_file():
            raise FileExistsError(f'The toy data set in {root} is incomplete: {path} is missing. {advice}')


def _files(recipe: ToyRecipe) -> Iterator[Path]:
    for split, num_scenes in recipe.splits.items():
        yield Path(f'panoptic_{split}.json')
        for index in range(num_scenes):
            yield from _scene_files(split, index)


def _scene_files(split: str, index: int) -> tuple[Path, Path, Path]:
    """Image, label map and panoptic id map of a scene."""
    name = f'{index:05d}'
    return (
        Path('images', split, f'{name}.jpg'),
        Path('annotations', split, f'{name}.png'),
        Path(f'panoptic_{split}', f'{name}.png'),
    )


def _write_split(root: Path, recipe: ToyRecipe, split: str, num_scenes: int, num_workers: int) -> None:
    for path in _scene_files(split, 0):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(num_workers) as pool:
        written = pool.map(lambda index: _write_scene(root, recipe, split, index), range(num_scenes))
        try:
            annotations = list(_show_progress(written, num_scenes, f'Drawing {split} scenes'))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    document = {
        'info': {'description': f'mmmaskformer toy scenes, seed {recipe.seed}'},
        'images': [
            {
                'id': annotation['image_id'],
                'file_name': Path(annotation['file_name']).with_suffix('.jpg').name,
                'height': recipe.height,
                'width': recipe.width,
            }
            for annotation in annotations
        ],
        'annotations': annotations,
        'categories': categories_json(),
    }
    (root / f'panoptic_{split}.json').write_text(json.dumps(document))


def _write_scene(root: Path, recipe: ToyRecipe, split: str, index: int) -> dict:
    """Writes the three files of a scene and returns its COCO panoptic annotation."""
    scene = recipe.draw(split, index)
    image_file, labels_file, ids_file = _scene_files(split, index)
    ids, colors = color_segments(scene)
    _write(root / image_file, scene.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    _write(root / labels_file, scene.labels)
    _write(root / ids_file, colors[..., ::-1])
    return {
        'image_id': index + 1,
        'file_name': ids_file.name,
        'segments_info': describe_segments(scene, ids),
    }


def _write(path: Path, pixels: np.ndarray, options: list[int] | None = None) -> None:
    if not cv2.imwrite(opencv_path(path), pixels, options or []):
        raise OSError(f'{path} could not be written; is the disk full?')


def _show_progress(items: Iterable[_T], total: int, title: str) -> Iterator[_T]:
    """Yields the items and prints how many: one line that is rewritten in a terminal, else ten lines."""
    in_terminal = sys.stdout.isatty()
    steps = {total} | {total * tenth // 10 for tenth in range(1, 10)}
    for count, item in enumerate(items, start=1):
        if in_terminal:
            print(f'\r{title}: {count}/{total}', end='' if count < total else '\n', flush=True)
        elif count in steps:
            print(f'{title}: {count}/{total}', flush=True)
        yield item


def color_segments(scene: Scene) -> tuple[list[int], np.ndarray]:
    """Gives every segment an id of its own whose color is close to its category's, as COCO does.

    Returns:
        The ids, R + 256 G + 65536 B, in the order of ``scene.categories``; and the id map as an RGB image
        (H, W, 3) uint8, black where unlabeled.
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
