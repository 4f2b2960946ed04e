"""Code in processes that are forked from one which has imported the package: they start in no time."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
import textwrap
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from pathlib import Path

import cv2
import pytest
import torch

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 600  # a hang is an error


def fork_context() -> ForkServerContext:
    """The context of processes that are forked from one, which imports the package at its start.

    That one process starts with the first of them, without GPUs and threads, and serves all.
    """
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(['quick_openmmlab'])
    search = os.pathsep.join([str(ROOT), str(ROOT / 'tests')])
    with pytest.MonkeyPatch.context() as patch:
        for name, value in dict(PYTHONPATH=search, CUDA_VISIBLE_DEVICES='', OMP_NUM_THREADS='1').items():
            patch.setenv(name, value)
        forkserver.ensure_running()
    return context


def run_warm(
    code: str | None,
    *arguments: str,
    path: tuple[Path, ...] = (),
    cwd: Path | None = None,
    check: bool = True,
    **environment: str,
) -> subprocess.CompletedProcess:
    """Run code, or the script that the first argument names, where the package is already imported.

    Args:
        code: What to run, or None.
        arguments: `sys.argv` of the code; of a script, the script first.
        path: Folders in front of the module search path.
        cwd: Where to run, or here.
        check: The process must succeed.
        environment: Variables of its environment, besides those of this process.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ('stdout', 'stderr')]
        work = (code and textwrap.dedent(code), arguments, [*map(str, path)], cwd or Path.cwd(), files)
        process = fork_context().Process(target=_run, args=(*work, {**os.environ, **environment}))
        process.start()
        process.join(SECONDS)
        if process.exitcode is None:
            process.kill()
            process.join()
        printed = [file.read_text() if file.exists() else '' for file in files]
    if check:
        assert process.exitcode == 0, '\n'.join(printed)
    return subprocess.CompletedProcess(arguments, process.exitcode, *printed)


def _run(
    code: str | None,
    arguments: tuple[str, ...],
    path: list[str],
    cwd: Path,
    files: list[Path],
    environment: dict[str, str],
) -> None:
    for descriptor, file in enumerate(files, start=1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND), descriptor)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    sys.path[:0] = path
    if code is not None:
        sys.argv = ['-c', *arguments]
        exec(compile(code, '-c', 'exec'), {'__name__': '__main__'})
        return
    sys.argv = [str(argument) for argument in arguments]
    sys.path.insert(0, str(Path(sys.argv[0]).resolve().parent))
    runpy.run_path(sys.argv[0], run_name='__main__')
