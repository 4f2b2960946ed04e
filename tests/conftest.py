"""Fixtures that several tests share."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

os.environ.setdefault('MPLBACKEND', 'Agg')  # before matplotlib is imported
import quick_openmmlab  # noqa: F401
from mmengine.registry import DefaultScope
from warm_python import run_warm

import mmmaskformer  # noqa: F401  before any of mmseg's modules, which fail without it where mmcv is lite

if 'PYTEST_XDIST_WORKER' in os.environ:  # processes share the cores
    torch.set_num_threads(1)

ROOT = Path(__file__).resolve().parent.parent


def pytest_collection_finish() -> None:
    """What collection has made lives to the end: the garbage collector needs not look through it."""
    gc.freeze()


@pytest.fixture(scope='session')
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope='session')
def shared() -> Path:
    """Golden results and images that lie beside the repository; a test that needs them skips without."""
    path = ROOT.parent / 'shared'
    if not path.is_dir():
        pytest.skip(f'no shared data in {path}')
    return path


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def _restored_default_scope() -> Iterator[None]:
    """A runner leaves MMEngine's default scope behind, in which later tests would look for their types."""
    scopes = DefaultScope._instance_dict
    before = scopes.copy()
    yield
    scopes.clear()
    scopes.update(before)


_scope_of_a_module = pytest.fixture(autouse=True, scope='module')(_restored_default_scope)
_scope_of_a_test = pytest.fixture(autouse=True)(_restored_default_scope)


@pytest.fixture(autouse=True)
def _warnings_of_later_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command hides the warnings of its processes, which must not reach those of other tests."""
    monkeypatch.delenv('PYTHONWARNINGS', raising=False)


RecordFigures = Callable[[str, dict], None]


@pytest.fixture(scope='session')
def record_figures() -> RecordFigures:
    """Keeps figures of a soak test: ``record_figures(name, figures)`` writes ``soak-results/NAME.json``."""

    def record(name: str, figures: dict) -> None:
        folder = ROOT / 'soak-results'
        folder.mkdir(exist_ok=True)
        (folder / f'{name}.json').write_text(json.dumps(figures, indent=1) + '\n')

    return record


@pytest.fixture(scope='session')
def warm_python() -> Callable[..., subprocess.CompletedProcess]:
    """Runs code in a process of its own that has imported the package before: see `warm_python.run_warm`."""
    return run_warm


RunPython = Callable[..., subprocess.CompletedProcess]


@pytest.fixture(scope='session')
def run_python() -> RunPython:
    """Runs code in a fresh interpreter: ``run_python(code, *arguments, path=[...], cwd=..., options=[...])``.

    ``path`` goes in front of the repository on the module search path (``installed=True`` leaves the
    repository out). The process must succeed, unless ``check=False``.
    """

    def run(
        code: str | None = None,
        *arguments: str,
        path: tuple[Path, ...] = (),
        cwd: Path | None = None,
        options: tuple[str, ...] = (),
        installed: bool = False,
        check: bool = True,
    ) -> subprocess.CompletedProcess:
        search = [*map(str, path), *([] if installed else [str(ROOT)])]
        environment = {**os.environ, 'PYTHONPATH': os.pathsep.join(search), 'OMP_NUM_THREADS': '1'}
        command = [sys.executable, *options, *(['-c', textwrap.dedent(code)] if code else []), *arguments]
        done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=600)
        if check:
            assert done.returncode == 0, f'{done.stdout}\n{done.stderr}'
        return done

    return run
