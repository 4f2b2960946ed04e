"""tests/cuda, test by test."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from . import ROOT, Settings
from .rows import new_rows

TESTS = 'tests/cuda'
PROCESSES = 8  # with pytest-xdist; most of the time goes to starting processes and compiling


def run(settings: Settings) -> None:
    """A row for each test, written as soon as the test has ended."""
    if not (ROOT / TESTS).is_dir():
        settings.record(dict(test=TESTS, outcome='not there'))
        return
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / 'results.jsonl'
        results.touch()
        search = os.pathsep.join([str(ROOT / 'benchmarks'), os.environ.get('PYTHONPATH', '')])
        environment = {**os.environ, 'PYTHONPATH': search, 'RECORD_TESTS_IN': str(results)}
        command = [sys.executable, '-m', 'pytest', TESTS, '-m', 'cuda', '-q', '-p', 'gpu_parts.record_tests']
        command += ['-p', 'no:cacheprovider']
        if importlib.util.find_spec('xdist'):
            command += ['-n', str(min(PROCESSES, os.cpu_count() or 1))]
        with (
            subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL) as process,
            results.open() as lines,
        ):
            while process.poll() is None:
                time.sleep(0.2)
                for row in new_rows(lines):
                    settings.record(row)
            for row in new_rows(lines):
                settings.record(row)
    if process.returncode not in (0, 1, 5):  # passed, failed, nothing collected
        raise RuntimeError(f'pytest ended with exit code {process.returncode}; its output is in gpu.log')
