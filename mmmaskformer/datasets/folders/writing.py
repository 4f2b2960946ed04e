"""Files that preparation writes: conversions in parallel that go on where they stopped, and documents."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from ...file_names import claim
from ..converters.conversion import run_jobs, write_atomically
from .contents import Sample


def convert_all(
    convert: Callable[[Sample], Any],
    samples: Mapping[str, Sequence[Sample]],
    folder: Path,
    workers: int,
    suffix: str,
    write: Callable[[Path, Any], None],
) -> dict[str, str]:
    """Write a file for each sample; those of earlier calls stay as they are.

    Args:
        convert: Returns the content of a sample; a module-level function, or a ``partial`` of one.
        samples: By split.
        folder: Where to.
        workers: Processes; 0 for one per core.
        suffix: Of the files.
        write: Writes the content to a path.

    Returns:
        The name of the file of each image, below the folder.
    """
    members = sorted((sample for part in samples.values() for sample in part), key=lambda s: s.image)
    taken: dict[str, int] = {}
    names = {
        sample.image: claim(PurePosixPath(sample.image).with_suffix('').as_posix(), taken) + suffix
        for sample in members
    }
    jobs = [(sample, folder / names[sample.image]) for sample in members]
    jobs = [job for job in jobs if not job[1].exists()]
    for parent in {path.parent for _, path in jobs}:
        parent.mkdir(parents=True, exist_ok=True)
    if jobs:
        run_jobs(partial(_convert, convert, write), jobs, workers or os.cpu_count() or 1)
    return names


def _convert(
    convert: Callable[[Sample], Any], write: Callable[[Path, Any], None], job: tuple[Sample, Path]
) -> None:
    sample, path = job
    write(path, convert(sample))


def write_document(path: Path, document: Any) -> None:
    """Write a JSON file, in place of an earlier one."""
    write_atomically(path, (json.dumps(document, ensure_ascii=False) + '\n').encode())


def fingerprint(settings: Any) -> str:
    """Eight digits that differ where settings do, for the name of a folder."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:8]
