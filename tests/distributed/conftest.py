"""What two and four processes have found, once for all tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PARTS = [HERE, *(HERE.parent / name for name in ('models', 'evaluation', 'analysis'))]
sys.path += [str(part) for part in PARTS[1:]]

from forked_ranks import results_of  # noqa: E402


@pytest.fixture(scope='session')
def folder_of_ranks(tmp_path_factory) -> Path:
    """Where the processes work: images, a first checkpoint, work dirs."""
    return tmp_path_factory.mktemp('ranks')


@pytest.fixture(scope='session')
def ranks(warm_python, folder_of_ranks) -> dict[int, list[dict]]:
    """Results of each process, by the number of processes and by rank."""
    folder = folder_of_ranks
    warm_python(None, str(HERE / 'rank_work.py'), str(folder), path=tuple(PARTS))
    return {world: results_of(world, folder) for world in (2, 4)}
