"""A fresh environment for one row of versions: made, filled, used for the tests."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

SHOWN = ('torch', 'torchvision', 'numpy', 'setuptools', 'mmcv-lite', 'mmcv', 'onedl-mmcv')
SHOWN += ('mmengine', 'mmsegmentation', 'mmdet', 'mmpretrain')
SHOWN += ('onedl-mmengine', 'onedl-mmsegmentation', 'onedl-mmdetection', 'onedl-mmpretrain')
INSTALLATION_HOURS, TEST_HOURS = 1, 3


def interpreter(version: str, chosen: Mapping[str, str]) -> str | None:
    """The Python of a version: the one chosen, else ``pythonX.Y`` on PATH, if it is what it says."""
    path = chosen.get(version) or shutil.which(f'python{version}')
    if path is None:
        return None
    code = 'import sys; print("%d.%d" % sys.version_info[:2])'
    try:
        found = subprocess.run([path, '-c', code], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):  # some managers leave stand-ins that refuse
        return None
    return path if found == version else None


def requirements(repository: Path, replace: Mapping[str, str | None]) -> list[str]:
    """All that the package and its tests ask for; a package may be replaced by another, or by none."""
    wanted: list[str] = []
    for name in ('mminstall', 'runtime', 'tests'):
        for line in (repository / 'requirements' / f'{name}.txt').read_text().splitlines():
            line = line.partition('#')[0].strip()
            if not line or line.startswith('-'):
                continue
            package = re.match(r'[\w.-]+', line)[0]
            line = replace.get(package, line)
            if line and line not in wanted:
                wanted.append(line)
    return wanted


class Environment:
    """A virtual environment in a folder of its own."""

    def __init__(self, folder: Path, python: str, repository: Path) -> None:
        self.folder, self.base, self.repository = folder, python, repository
        self.python = str(folder / 'bin/python')

    def install(self, row: Mapping) -> str | None:
        """Install a row's packages together, so that they fit each other, then the package itself.

        Returns:
            Why it failed, or None.
        """
        pip = [self.python, '-m', 'pip', '--disable-pip-version-check', 'install', '--quiet']
        wanted = [*row.get('packages', []), *requirements(self.repository, row.get('replace', {}))]
        if row.get('constraints'):
            wanted += ['-c', 'requirements/constraints.txt']
        commands = [
            *([] if Path(self.python).exists() else [[self.base, '-m', 'venv', str(self.folder)]]),
            [*pip, *wanted],
            *([[*pip, *row['last']]] if 'last' in row else []),
            [*pip, '--no-build-isolation', '--no-deps', '-e', '.'],
        ]
        for command in commands:
            done = self.run(command, INSTALLATION_HOURS)
            if done.returncode:
                return _reason(done.stderr or done.stdout)
        return None

    def run(self, command: list[str], hours: float) -> subprocess.CompletedProcess:
        environment = {**os.environ, 'OMP_NUM_THREADS': '1', 'MPLBACKEND': 'Agg', 'PIP_NO_INPUT': '1'}
        for name in ('PYTHONPATH', 'PYTHONDONTWRITEBYTECODE'):  # or Python warns of syntax each time
            environment.pop(name, None)
        return subprocess.run(
            command,
            cwd=self.repository,
            env=environment,
            capture_output=True,
            text=True,
            timeout=3600 * hours,
        )

    def versions(self) -> dict[str, str]:
        """Python and the packages that a table tells of."""
        done = self.run([self.python, '-m', 'pip', 'list', '--format', 'json'], 0.1)
        found = {p['name'].lower(): p['version'] for p in json.loads(done.stdout or '[]')}
        python = self.run([self.python, '-c', 'import platform; print(platform.python_version())'], 0.1)
        return {'python': python.stdout.strip(), **{name: found[name] for name in SHOWN if name in found}}

    def run_tests(self, tests: list[str]) -> dict:
        """Run some tests, or all: how many passed, failed and were skipped, and which failed."""
        report = self.repository / 'report.xml'
        command = [
            self.python,
            '-m',
            'pytest',
            '-q',
            '-p',
            'no:cacheprovider',
            f'--junitxml={report}',
            *tests,
        ]
        done = self.run(command, TEST_HOURS)
        if not report.exists():
            return dict(state='does not run', why=_last_lines(done.stdout + done.stderr))
        return read_report(report)


def read_report(report: Path) -> dict:
    """Numbers of a JUnit report of pytest; of each failure the first line of its reason."""
    failed, skipped, passed, seconds = {}, 0, 0, 0.0
    for case in ET.parse(report).getroot().iter('testcase'):
        seconds += float(case.get('time', 0))
        problem = next((child for child in case if child.tag in ('failure', 'error')), None)
        if problem is not None:
            path = case.get('classname', '').removeprefix('tests.').replace('.', '/')
            failed[f'{path}.py::{case.get("name")}'] = (
                (problem.get('message') or '').strip().split('\n')[0][:200]
            )
        elif case.find('skipped') is not None:
            skipped += 1
        else:
            passed += 1
    state = 'failed' if failed or not passed else 'passed'
    counts = dict(passed=passed, failed=len(failed), skipped=skipped, minutes=round(seconds / 60, 1))
    return dict(state=state, **counts, failures=failed)


def _reason(text: str) -> str:
    """What pip failed for: the last error of a build, or of pip itself."""
    lines = [line.strip() for line in text.splitlines()]
    errors = [line for line in lines if re.match(r'\w*Error: |configuration error: |ERROR: ', line)]
    return errors[-1][:400] if errors else _last_lines(text)


def _last_lines(text: str) -> str:
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return ' / '.join(lines[-3:])[-400:]
