"""Runs each part in a process of its own, with its own limit, and keeps every row as it comes."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from . import ROOT, Part, Settings
from .rows import new_rows

POLL_SECONDS = 0.5
SCRIPT = ROOT / 'benchmarks/gpu.py'


class PartProcess:
    """A process that has imported what its part needs, and waits for the start signal.

    It is started while the part before it runs, so that imports cost no time.
    """

    def __init__(self, part: Part, args: Namespace, folder: Path, log: IO):
        self.part, self.rows_path = part, folder / f'{part.name}.jsonl'
        self.rows_path.touch()
        command = [sys.executable, str(SCRIPT), '--process', part.name, '--rows', str(self.rows_path)]
        command += ['--device', args.device, *(['--dry-run'] if args.dry_run else [])]
        command += ['--camvid', str(args.camvid)] if args.camvid else []
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            text=True,
            start_new_session=True,
        )

    def run(self, limit: float, on_rows: Callable[[list[dict]], None]) -> dict:
        """Let the part run for so many seconds at most; the rows come while it runs.

        Returns:
            ``status``, ``seconds``, ``limit``.
        """
        start = time.monotonic()
        self._begin(start + 0.9 * limit)
        with self.rows_path.open() as lines:
            while self.process.poll() is None and time.monotonic() < start + limit:
                time.sleep(POLL_SECONDS)
                if rows := new_rows(lines):
                    on_rows(rows)
            stopped = self.process.poll() is None
            self.stop()
            on_rows(new_rows(lines))
        return dict(status=self._status(stopped, limit), seconds=time.monotonic() - start, limit=limit)

    def stop(self) -> None:
        """End the process and whatever it started."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(timeout=3)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue

    def _begin(self, deadline: float) -> None:
        try:
            print(deadline, file=self.process.stdin, flush=True)
        except BrokenPipeError:
            self.process.wait()

    def _status(self, stopped: bool, limit: float) -> str:
        if stopped:
            return f'stopped at its limit of {limit:.0f} s'
        return 'done' if self.process.returncode == 0 else f'failed with exit code {self.process.returncode}'


def run_all(parts: Sequence[Part], args: Namespace, log: IO, on_change: Callable[[dict, bool], None]) -> dict:
    """Run the parts one after another within ``args.minutes``.

    What a part leaves of its share of the time, the later ones get.

    Args:
        parts: In their order.
        args: Of `benchmarks/gpu.py`.
        log: Takes what the processes print.
        on_change: Called with all results, and whether a part has ended, after every row and every part.

    Returns:
        By part ``status``, ``seconds``, ``limit`` and ``rows``.
    """
    end = time.monotonic() + 60 * args.minutes
    results: dict[str, dict] = {part.name: dict(status='not run', rows=[]) for part in parts}
    with tempfile.TemporaryDirectory() as folder:
        waiting = [PartProcess(parts[0], args, Path(folder), log)]
        try:
            for number, part in enumerate(parts):
                process = waiting.pop()
                waiting += [PartProcess(p, args, Path(folder), log) for p in parts[number + 1 : number + 2]]
                share = part.seconds / sum(p.seconds for p in parts[number:])
                result = results[part.name]
                result['status'] = 'running'

                def keep(rows: list[dict], result: dict = result) -> None:
                    result['rows'] += rows
                    on_change(results, False)

                result.update(process.run(share * (end - time.monotonic()), keep))
                on_change(results, True)
        finally:
            for process in waiting:
                process.stop()
    return results


def serve(args: Namespace) -> int:
    """What the process of a part does; the exit code."""
    module = importlib.import_module(f'gpu_parts.{args.process}')
    line = sys.stdin.readline()
    if not line:
        return 1  # the run has ended before this part began
    threading.Thread(target=_end_with_the_run, daemon=True).start()
    with args.rows.open('a') as file:

        def record(row: dict) -> None:
            file.write(json.dumps(row) + '\n')
            file.flush()

        try:
            module.run(Settings(args.device, args.dry_run, float(line), args.camvid, record))
        except Exception as error:
            traceback.print_exc()
            record(dict(failure=f'{type(error).__name__}: {error}'))
            return 1
    return 0


def _end_with_the_run() -> None:
    """End this process and what it started when the run that started it is gone, however it ended."""
    sys.stdin.read()
    os.killpg(0, signal.SIGKILL)
