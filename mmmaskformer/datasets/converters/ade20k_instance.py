"""ADE20K's instance maps to COCO's instance JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..categories import load_categories
from .ade20k_panoptic import SPLITS, images_of, things_of
from .conversion import check_size, read_map, require_files, run_jobs, write_json
from .documents import describe_object, instance_document


class _Files(NamedTuple):
    image: Path
    instances: Path


def write_ade20k_instances(
    root: str | Path, splits: Sequence[str] = tuple(SPLITS), num_workers: int = 2
) -> dict[str, int]:
    """Write ``ade20k_instance_train.json`` and ``ade20k_instance_val.json``: objects of 100 thing classes.

    In the instance maps red is the number of the thing class, green the number of the object. Ids of
    categories are those of the panoptic files.

    Args:
        root: The folder ADEChallengeData2016 with ``images`` and ``annotations_instance``.
        splits: Which of ``'training'`` and ``'validation'``.
        num_workers: Processes.

    Returns:
        Number of images of each split.

    Raises:
        FileNotFoundError: There are no images, or a map is missing.
        FileExistsError: Output exists and differs.
        ValueError: A map is not as described, or differs in size from its image.
    """
    root = Path(root)
    files = {split: _files(root, split) for split in splits}
    for split, jobs in files.items():
        entries = run_jobs(convert, jobs, num_workers)
        document = instance_document(entries, load_categories('ade20k_instance'))
        write_json(root / f'ade20k_instance_{SPLITS[split]}.json', document)
    return {split: len(jobs) for split, jobs in files.items()}


def convert(files: _Files) -> tuple[dict, list[dict]]:
    """The entry of an image among ``images``, and its objects."""
    instances = read_map(files.instances, 3)
    check_size(files.instances, instances.shape, files.image)
    height, width = instances.shape[:2]
    image = dict(id=files.image.stem, file_name=files.image.name, width=width, height=height)
    things = things_of(instances, files.instances)
    return image, [describe_object(mask, category.id) for category, mask in things]


def _files(root: Path, split: str) -> list[_Files]:
    folder = root / 'annotations_instance' / split
    files = [_Files(image, folder / f'{image.stem}.png') for image in images_of(root, split)]
    advice = f'unpack annotations_instance.tar so that {root} holds annotations_instance'
    require_files((item.instances for item in files), advice)
    return files
