"""mmmaskformer-runtime alone: its wheel has one folder, which imports quickly and without PyTorch."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
import zipfile

import pytest

from mmmaskformer.version import __version__


@pytest.fixture(scope='module')
def wheel(root, tmp_path_factory):
    source = tmp_path_factory.mktemp('source')
    shutil.copytree(root / 'runtime', source / 'runtime')
    (source / 'mmmaskformer').mkdir()
    shutil.copy2(root / 'mmmaskformer/version.py', source / 'mmmaskformer')
    ignored = shutil.ignore_patterns('__pycache__')
    shutil.copytree(root / 'mmmaskformer/runtime', source / 'mmmaskformer/runtime', ignore=ignored)
    code = f'from setuptools.build_meta import build_wheel; print(build_wheel({str(source)!r}))'
    done = subprocess.run(
        [sys.executable, '-c', code], cwd=source / 'runtime', capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return source / done.stdout.splitlines()[-1]


def test_the_wheel_has_the_runtime_alone(wheel, root):
    names = zipfile.ZipFile(wheel).namelist()
    modules = {name for name in names if name.endswith('.py')}
    assert modules == {
        f'mmmaskformer/runtime/{path.name}' for path in (root / 'mmmaskformer/runtime').glob('*.py')
    }
    assert wheel.name == f'mmmaskformer_runtime-{__version__}-py3-none-any.whl'


@pytest.mark.soak
def test_it_predicts_in_an_environment_without_torch(wheel, tmp_path, record_figures):
    """In a fresh environment with NumPy, onnxruntime and Pillow alone."""
    from inference_model import ALL_TASKS, write_images, write_weights

    from mmmaskformer.export import Settings, export_model

    export_model(
        None, write_weights(tmp_path / 'model.pth'), tmp_path / 'exported', Settings(tasks=ALL_TASKS)
    )
    (image,) = write_images(tmp_path / 'images', [(64, 128)])
    venv.create(tmp_path / 'env', symlinks=True)
    install = [
        sys.executable,
        '-m',
        'pip',
        '--python',
        str(tmp_path / 'env'),
        'install',
        '-q',
        str(wheel),
        'pillow',
    ]
    subprocess.run(install, check=True)
    code = (
        'import sys, time; start = time.perf_counter()\n'
        'from mmmaskformer.runtime import Segmenter\n'
        'print(time.perf_counter() - start)\n'
        f'result = Segmenter({str(tmp_path / "exported")!r})({str(image)!r})\n'
        'assert "torch" not in sys.modules and result.panoptic.shape == (64, 128)\n'
    )
    run = [tmp_path / 'env/bin/python', '-c', code]
    settings = dict(check=True, capture_output=True, text=True, cwd=tmp_path)  # away from the repository
    times = [float(subprocess.run(run, **settings).stdout) for _ in range(3)]
    record_figures('runtime_import', dict(seconds=min(times)))
    assert min(times) < 0.5
