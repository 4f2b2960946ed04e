"""What it runs on: device, driver, clocks, packages, commit."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

import torch

from . import ROOT, Settings

CLOCKS = ('clocks.sm', 'clocks.mem', 'power.draw', 'temperature.gpu')
CARD = (
    'name',
    'driver_version',
    'memory.total',
    'clocks.max.sm',
    'clocks.max.mem',
    'power.limit',
    'mig.mode.current',
)
PACKAGES = (
    'torch', 'torchvision', 'triton', 'numpy', 'scipy', 'opencv-python', 'opencv-python-headless', 'mmengine',
    'mmcv-lite', 'mmcv', 'mmsegmentation', 'mmdet', 'mmpretrain', 'transformers', 'pytest',
)  # fmt: skip


def run(settings: Settings) -> None:
    """A row of the machine, one of the card, and at last what the package's doctor finds."""
    settings.record(
        dict(
            commit=commit(),
            python=platform.python_version(),
            system=platform.platform(),
            processor=_processor(),
            cores=os.cpu_count(),
            packages={name: version for name in PACKAGES if (version := _version(name))},
            cuda=torch.version.cuda,
            cudnn=torch.backends.cudnn.version(),
        )
    )
    if settings.device == 'cuda':
        about = torch.cuda.get_device_properties(0)
        settings.record(
            dict(
                card=query_card(CARD),
                clocks=query_card(CLOCKS),
                capability=f'{about.major}.{about.minor}',
                multiprocessors=about.multi_processor_count,
                memory_gib=about.total_memory / 2**30,
            )
        )
    from mmmaskformer import doctor  # takes seconds to import: what is above is kept by then

    problems = doctor.version_problems(doctor.installed())
    settings.record(dict(problems=[f'{problem.what} {problem.fix}' for problem in problems]))


def query_card(fields: tuple[str, ...]) -> dict[str, str]:
    """Fields of the first card from nvidia-smi; empty without nvidia-smi."""
    if shutil.which('nvidia-smi') is None:
        return {}
    command = ['nvidia-smi', f'--query-gpu={",".join(fields)}', '--format=csv,noheader', '-i', '0']
    done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    return dict(zip(fields, done.stdout.strip().split(', ')))


def commit() -> str:
    """The commit of the code: from git, or, in a copy without git, as the packing script wrote it down."""
    try:
        done = subprocess.run(
            ['git', 'describe', '--always', '--dirty', '--abbrev=40'],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        if done.returncode == 0:
            return done.stdout.strip()
    except FileNotFoundError:
        pass
    noted = ROOT / '.gpu_pack/commit.txt'
    return noted.read_text().strip() if noted.exists() else 'unknown'


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    about = Path('/proc/cpuinfo')
    lines = about.read_text().splitlines() if about.exists() else []
    return next(
        (line.split(': ')[1] for line in lines if line.startswith('model name')), platform.processor()
    )
