"""``python -m mmmaskformer.doctor``: installed versions, active workarounds, and problems with their fixes.

Needs only the standard library, so that it also runs where nothing else can be imported.
"""

from __future__ import annotations

import importlib
import importlib.util
import platform
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import NamedTuple

from . import compat
from .security_notes import security_notes
from .version import __version__

OPENCV = ('opencv-python', 'opencv-python-headless', 'opencv-contrib-python')
# Import name: the distributions that may bring it; the first one is recommended.
DISTRIBUTIONS = {
    'torch': ('torch',),
    'torchvision': ('torchvision',),
    'numpy': ('numpy',),
    'mmengine': ('mmengine', 'mmengine-lite', 'onedl-mmengine'),
    'mmcv': ('mmcv-lite', 'mmcv', 'mmcv-full', 'onedl-mmcv'),
    'mmseg': ('mmsegmentation', 'onedl-mmsegmentation'),
    'mmdet': ('mmdet', 'onedl-mmdetection'),
    'mmpretrain': ('mmpretrain', 'onedl-mmpretrain'),
    'scipy': ('scipy',),
    'pycocotools': ('pycocotools',),
    'cv2': OPENCV,
    'PIL': ('pillow',),
    'matplotlib': ('matplotlib',),
    'rich': ('rich',),
    'ftfy': ('ftfy',),
    'regex': ('regex',),
    'setuptools': ('setuptools',),
    'transformers': ('transformers',),
}
OPTIONAL = ('transformers',)
# Distribution: lowest version, first version that does not work (None: no bound), and the one to install.
RANGES: dict[str, tuple[str, str | None, str]] = {
    'torch': ('2.1', None, 'torch==2.11.0'),
    'mmengine': ('0.10.7', '1', 'mmengine==0.10.7'),
    'mmcv-lite': ('2.0.1', '2.2', 'mmcv-lite==2.1.0'),
    'mmcv': ('2.0.1', '2.2', 'mmcv==2.1.0'),
    'mmsegmentation': ('1.2.2', '2', 'mmsegmentation==1.2.2'),
    'mmdet': ('3.3.0', '4', 'mmdet==3.3.0'),
    'mmpretrain': ('1.2.0', '2', 'mmpretrain==1.2.0'),
}
TRIAL_IMPORTS = (
    'torchvision',
    'cv2',
    'mmcv.ops',
    'mmpretrain.models',
    'mmdet.models',
    'mmseg.models',
    'mmmaskformer.models',
    'mmmaskformer.datasets',
    'mmmaskformer.engine',
)


class Problem(NamedTuple):
    """A problem in one sentence, and the command or step that fixes it."""

    what: str
    fix: str


def installed() -> dict[str, dict[str, str]]:
    """Per import name, the version of every distribution present that brings it (none: an empty dict).

    A package without metadata (a fork on ``PYTHONPATH``) counts as one distribution of unknown version.
    """
    packages: dict[str, dict[str, str]] = {}
    for name, distributions in DISTRIBUTIONS.items():
        packages[name] = {}
        for distribution in distributions:
            try:
                packages[name][distribution] = metadata.version(distribution)
            except metadata.PackageNotFoundError:
                continue
        if not packages[name] and importlib.util.find_spec(name) is not None:
            packages[name][name] = 'unknown'
    return packages


def version_problems(packages: Mapping[str, Mapping[str, str]], python: str | None = None) -> list[Problem]:
    """Problems with versions: missing, installed twice, not matching, or out of range.

    Args:
        packages: As :func:`installed` returns it.
        python: Version of the interpreter; by default the running one.
    """
    python = python or platform.python_version()
    problems = []
    if _numbers(python) < (3, 10):
        problems.append(Problem(f'Python {python} is too old.', 'use Python 3.10 or later'))
    for name, versions in packages.items():
        problems += _presence_problems(name, versions)
        problems += [p for item in versions.items() if (p := _range_problem(*item))]
    return [*problems, *_pair_problems(packages)]


def _presence_problems(name: str, versions: Mapping[str, str]) -> Iterator[Problem]:
    recommended = DISTRIBUTIONS[name][0]
    if not versions and name not in OPTIONAL:
        requirement = RANGES.get(recommended, ('', None, recommended))[2]
        yield Problem(f'{name} is not installed.', f'pip install "{requirement}"')
    if len(versions) > 1:
        several = ' and '.join(f'{key} {value}' for key, value in versions.items())
        keep = RANGES.get(recommended, ('', None, recommended))[2]
        yield Problem(
            f'{several} are both installed and overwrite each other in {name}/.',
            f'pip uninstall -y {" ".join(versions)}, then install one of them: pip install "{keep}"',
        )


def _range_problem(distribution: str, version: str) -> Problem | None:
    if distribution not in RANGES or version == 'unknown':
        return None
    low, high, requirement = RANGES[distribution]
    if _numbers(version) >= _numbers(low) and (high is None or _numbers(version) < _numbers(high)):
        return None
    bounds = ','.join([*([f'>={low}'] if low else []), *([f'<{high}'] if high else [])])
    return Problem(
        f'{distribution} {version} is out of range, needed is {bounds}.', f'pip install "{requirement}"'
    )


def _pair_problems(packages: Mapping[str, Mapping[str, str]]) -> Iterator[Problem]:
    """Torch 2.N goes with torchvision 0.(N + 15), from 2.14 with any from 0.29; builds (+cpu) must agree."""
    torch, vision = (packages.get(name, {}).get(name, 'unknown') for name in ('torch', 'torchvision'))
    if 'unknown' in (torch, vision) or not torch.startswith('2.'):
        return
    minor, found_minor = _numbers(torch)[1], _numbers(vision)[1]
    fits = found_minor >= 29 if minor >= 14 else found_minor == minor + 15
    requirement = '0.29 or later' if minor >= 14 else f'0.{minor + 15}'
    builds = [version.partition('+')[2] for version in (torch, vision)]
    if not fits or (all(builds) and builds[0] != builds[1]):
        yield Problem(
            f'torch {torch} and torchvision {vision} are not a pair, this torch needs torchvision '
            f'{requirement}.',
            'pip install torch==2.11.0 torchvision==0.26.0, both from the same index',
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r'\d+', version.partition('+')[0])[:3])


def try_imports() -> tuple[list[str], list[Problem]]:
    """Run the workarounds and import what training imports.

    Returns:
        Sentences on the workarounds that were active, and problems.
    """
    worked_around, problems = [], []
    try:
        worked_around = compat.apply()
    except Exception as error:
        problems.append(Problem(f'the workarounds do not run: {_sentence(error)}', 'fix the entries above'))
    for name in TRIAL_IMPORTS:
        try:
            importlib.import_module(name)
        except Exception as error:  # a broken installation can raise anything
            advice = f'fix the entries above; if there are none, see `python -c "import {name}"`'
            problems.append(Problem(f'`import {name}` fails: {_sentence(error)}', advice))
    return worked_around, problems


def _sentence(error: Exception) -> str:
    return f'{type(error).__name__}: {error}'.strip().splitlines()[0]


def gpu() -> str:
    """The GPUs that torch sees, and what it was built for."""
    try:
        import torch

        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        target = f'CUDA {torch.version.cuda}' if torch.version.cuda else 'CPU'
        return f'{", ".join(names) or "none"} (torch is built for {target})'
    except Exception as error:
        return f'unknown ({_sentence(error)})'


def report(
    packages: Mapping[str, Mapping[str, str]],
    worked_around: list[str],
    problems: list[Problem],
    notes: list[str] | None = None,
) -> str:
    """The text that the command prints; ``notes`` are those on security."""
    rows = [('python', platform.python_version())]
    for name, versions in packages.items():
        label = name if len(versions) != 1 else next(iter(versions))
        rows.append((label, ', '.join(versions.values()) or ('-' if name in OPTIONAL else 'MISSING')))
    rows.append(('GPU', gpu()))
    lines = [f'mmmaskformer {__version__}', '', 'Versions']
    lines += [*(f'  {key:<20} {value}' for key, value in rows), '']
    lines += ['Worked around', *(f'  - {sentence}' for sentence in worked_around or ['nothing']), '']
    lines += ['Security', *(f'  - {sentence}' for sentence in notes or ['nothing to report']), '']
    if not problems:
        return '\n'.join([*lines, 'Nothing is wrong.'])
    lines.append(f'Wrong ({len(problems)})')
    for number, problem in enumerate(problems, 1):
        lines += [f'  {number}. {problem.what}', f'     Fix: {problem.fix}']
    return '\n'.join(lines)


def main() -> int:
    """Print the report; 1 if something is wrong."""
    packages = installed()
    problems = version_problems(packages)
    worked_around: list[str] = []
    if all(versions or name in OPTIONAL for name, versions in packages.items()):  # otherwise all imports fail
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            worked_around, failures = try_imports()
        fixes = {problem.fix for problem in problems}
        problems += [failure for failure in failures if failure.fix not in fixes]
    notes = security_notes(packages['torch'].get('torch', ''))
    print(report(packages, worked_around, problems, notes))
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
