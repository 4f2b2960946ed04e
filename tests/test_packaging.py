"""The built package: configs and tools travel with it, and the development set is pinned throughout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import textwrap
import venv
import zipfile
from pathlib import Path

import pytest
from mmengine.fileio import load
from packaging.requirements import Requirement

import mmmaskformer

PARTS = ('setup.py', 'pyproject.toml', 'MANIFEST.in', 'LICENSE', 'README.md', 'model-index.yml')
PARTS += ('requirements.txt', 'requirements', 'mmmaskformer', 'configs', 'tools')


@pytest.fixture(scope='module')
def source(root, tmp_path_factory) -> Path:
    """A copy of what a build reads: building in the repository would leave files there."""
    copy = tmp_path_factory.mktemp('source')
    for name in PARTS:
        if (root / name).is_dir():
            shutil.copytree(root / name, copy / name, ignore=shutil.ignore_patterns('.mim', '__pycache__'))
        else:
            shutil.copy2(root / name, copy / name)
    return copy


def build(source: Path, kind: str, target: Path) -> Path:
    """Calls the build backend as pip does, but with the setuptools that is installed."""
    target.mkdir()
    code = f'from setuptools.build_meta import build_{kind} as build; print(build({str(target)!r}))'
    done = subprocess.run([sys.executable, '-c', code], cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return target / done.stdout.splitlines()[-1]


@pytest.fixture(scope='module')
def wheel(source, tmp_path_factory) -> Path:
    return build(source, 'wheel', tmp_path_factory.mktemp('wheel') / 'dist')


@pytest.fixture(scope='module')
def python(wheel, tmp_path_factory) -> Path:
    """Of a bare environment into which pip has installed the wheel, with the other packages of here."""
    folder = tmp_path_factory.mktemp('bare')
    venv.create(folder, symlinks=True)
    install = [sys.executable, '-m', 'pip', '--python', str(folder), 'install', '--no-index', '--no-deps']
    done = subprocess.run([*install, '--no-compile', str(wheel)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (packages,) = folder.glob('lib/python*/site-packages')
    present = [path for path in sys.path if path.endswith(('site-packages', 'dist-packages'))]
    (packages / 'present.pth').write_text('\n'.join(present))
    return folder / 'bin/python'


@pytest.fixture(scope='module')
def site(python) -> Path:
    """Where pip has unpacked the wheel."""
    (folder,) = python.parent.parent.glob('lib/python*/site-packages')
    return folder


def files_below(folder: Path) -> set[str]:
    found = (path for path in folder.rglob('*') if path.is_file() and '__pycache__' not in path.parts)
    return {path.relative_to(folder).as_posix() for path in found}


def test_the_wheel_carries_every_module_config_and_tool(site, source):
    assert files_below(site / 'mmmaskformer' / '.mim' / 'configs') == files_below(source / 'configs')
    assert files_below(site / 'mmmaskformer' / '.mim' / 'tools') == files_below(source / 'tools')
    modules = {name for name in files_below(source / 'mmmaskformer') if not name.startswith('.mim')}
    installed = {name for name in files_below(site / 'mmmaskformer') if not name.startswith('.mim')}
    assert installed == modules


def test_a_wheel_built_from_the_sdist_is_the_same(source, wheel, tmp_path):
    """And both may be published, as far as `twine check` sees."""
    sdist = build(source, 'sdist', tmp_path / 'sdist')
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / 'unpacked', filter='data')
    (unpacked,) = (tmp_path / 'unpacked').iterdir()
    check = subprocess.run(
        [sys.executable, '-m', 'twine', 'check', '--strict', wheel, sdist], capture_output=True, text=True
    )
    assert check.stdout.count('PASSED') == 2, check.stdout + check.stderr
    second = build(unpacked, 'wheel', tmp_path / 'wheel')
    assert set(zipfile.ZipFile(second).namelist()) == set(zipfile.ZipFile(wheel).namelist())


ALONE = """
    import site, sys
    # An editable install of this very package in the environment must not stand in front of the one to test.
    for finder in [f for f in sys.meta_path if '__editable__' in getattr(f, '__module__', '')]:
        sys.meta_path.remove(finder)
    for name in [name for name in sys.modules if name.startswith('__editable__')]:
        del sys.modules[name]
    sys.path.insert(0, sys.argv[2])
    site.addsitedir(sys.argv[2])  # reads .pth files, as Python does at its start in its own site-packages
"""
INHERIT = """
    import sys
    import mmmaskformer
    from mmengine.config import Config
    print(mmmaskformer.__file__)
    config = Config.fromfile(sys.argv[1])
    print(config.model.type, config.model.decode_head.num_classes, config.work_dir)
    print(config.default_hooks.visualization._scope_)
"""
# What mim does: tools and configs of `.mim`, from any folder; and MMEngine's hub.
MIM = """
    import runpy
    from pathlib import Path
    from mmengine.hub import get_config, get_model
    from mmseg.apis import MMSegInferencer

    mim = Path(mmmaskformer.__file__).parent / '.mim'
    small = ['train_cfg.max_iters=1', 'train_cfg.val_interval=1', 'train_dataloader.batch_size=1']
    for tool, *arguments in (
        ['dataset_converters/toy.py', '--num-training', '2', '--num-validation', '1'],
        ['train.py', 'mine.py', '--work-dir', 'work', '--cfg-options', *small],
        ['test.py', str(mim / 'configs/toy/maskformer_r18_toy.py'), 'work/iter_1.pth', '--work-dir', 'test'],
    ):
        sys.argv = [str(mim / 'tools' / tool), *arguments]
        runpy.run_path(sys.argv[0], run_name='__main__')

    name = 'maskformer/maskformer_r50_8xb2-160k_ade20k-512x512.py'
    config = get_config(f'mmmaskformer::{name}', pretrained=True)
    model = get_model('mmmaskformer::maskformer/r50_ade20k.py')
    print('hub', config.model_path, type(model).__name__, model.decode_head.num_classes)
    print('listed', *MMSegInferencer.list_models('mmmaskformer', '.*swin-l'))
"""


def write_heir(folder: Path) -> None:
    config = "_base_ = 'mmmaskformer::maskformer/swin_ade20k.py'\nwork_dir = 'here'\n"
    (folder / 'heir.py').write_text(config)


@pytest.fixture(scope='module')
def printed(python, tmp_path_factory) -> str:
    """By the installed package, in a folder of another project: a config that inherits, tools, and hubs."""
    folder = tmp_path_factory.mktemp('project')
    write_heir(folder)
    (folder / 'mine.py').write_text("_base_ = 'mmmaskformer::toy/maskformer_r18_toy.py'\n")
    code = textwrap.dedent(INHERIT) + textwrap.dedent(MIM)
    environment = {**os.environ, 'OMP_NUM_THREADS': '1'}
    environment.pop('PYTHONPATH', None)
    done = subprocess.run(
        [python, '-c', code, 'heir.py'], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f'{done.stdout}\n{done.stderr}'
    return done.stdout


def test_another_project_inherits_a_config_of_the_installed_package(printed, site):
    lines = printed.splitlines()
    where, model, scope = lines[[line.endswith('__init__.py') for line in lines].index(True) :][:3]
    assert Path(where).is_relative_to(site)
    assert model == 'mmmaskformer.MaskFormer 150 here'
    assert scope == 'mmseg'  # where the names in our configs are found


def test_tools_train_and_test_from_the_installed_package(printed):
    assert printed.count('mIoU: ') == 2, printed
    *_, hub, listed = (line for line in printed.splitlines() if line.startswith(('hub ', 'listed ')))
    assert re.fullmatch(r'hub https://\S+/model_final_\w+\.pkl MaskFormer 150', hub)
    assert 'maskformer_swin-l-in22k_8xb8-554k_coco-panoptic' in listed.split()


def test_the_command_is_installed(python, tmp_path):
    """And its help needs nothing but the wheel."""
    command = [python, '-S', python.parent / 'mmmaskformer', '--version']
    environment = {
        **os.environ,
        'PYTHONPATH': str(next(python.parent.parent.glob('lib/python*/site-packages'))),
    }
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout == f'mmmaskformer {mmmaskformer.__version__}\n', done.stderr


def test_the_index_travels_and_its_files_are_there(site):
    mim = site / 'mmmaskformer' / '.mim'
    models = [
        model for path in load(mim / 'model-index.yml')['Import'] for model in load(mim / path)['Models']
    ]
    assert models
    assert all((mim / model['Config']).is_file() for model in models)


def test_an_editable_install_sees_the_configs_of_the_checkout(run_python, source, tmp_path):
    editable = build(source, 'editable', tmp_path / 'dist')
    zipfile.ZipFile(editable).extractall(tmp_path / 'site')
    assert (source / 'mmmaskformer' / '.mim' / 'configs').samefile(source / 'configs')
    assert (source / 'mmmaskformer' / '.mim' / 'tools').samefile(source / 'tools')
    write_heir(tmp_path)
    code = textwrap.dedent(ALONE) + textwrap.dedent(INHERIT)
    done = run_python(code, 'heir.py', str(tmp_path / 'site'), cwd=tmp_path, installed=True)
    where, model, _ = done.stdout.splitlines()[-3:]  # OneDL's packages print at import
    assert Path(where).is_relative_to(source)
    assert model == 'mmmaskformer.MaskFormer 150 here'


def lines(path: Path) -> list[Requirement]:
    stripped = (line.partition('#')[0].strip() for line in path.read_text().splitlines())
    return [Requirement(line) for line in stripped if line and not line.startswith('-r')]


def test_the_wheel_asks_for_the_runtime_set_and_for_no_mmcv(site, root):
    (metadata,) = site.glob('*.dist-info/METADATA')
    asked = [Requirement(line) for line in re.findall(r'^Requires-Dist: (.+)$', metadata.read_text(), re.M)]
    always = {str(requirement) for requirement in asked if 'extra' not in str(requirement.marker)}
    assert always == {str(requirement) for requirement in lines(root / 'requirements' / 'runtime.txt')}
    assert not any('mmcv' in name for name in always)
    assert f'\nVersion: {mmmaskformer.__version__}\n' in metadata.read_text()


@pytest.mark.parametrize('python', ['3.10', '3.11', '3.12'])
def test_every_requirement_is_pinned_once_within_its_range(root, python):
    pins: dict[str, str] = {}
    for pin in lines(root / 'requirements' / 'constraints.txt'):
        if pin.marker is None or pin.marker.evaluate({'python_version': python}):
            assert pin.name.lower() not in pins
            pins[pin.name.lower()] = str(pin.specifier).removeprefix('==')
    for name in ('runtime', 'mminstall', 'tests', 'dev'):
        for requirement in lines(root / 'requirements' / f'{name}.txt'):
            assert pins[requirement.name.lower()] in requirement.specifier, requirement


def test_make_runs_what_the_readme_says(root):
    shown = subprocess.run(
        ['make', '-n', 'test', 'demo', 'lint', 'VENV=/nowhere', f'PYTHON={sys.executable}'],
        cwd=root, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for command in ('-m pytest', 'tools/demo.py', 'ruff check', 'ruff format --check', 'mypy', 'codespell'):
        assert f'/nowhere/bin/{command}' in shown.replace('/nowhere/bin/python ', '/nowhere/bin/'), command
    assert '-c requirements/constraints.txt' in shown


def test_continuous_integration_can_be_started(root):
    assert os.access(root / '.ci' / 'run', os.X_OK)
    subprocess.run(['bash', '-n', root / '.ci' / 'run'], check=True)


def test_commits_are_checked_as_by_make_lint(root):
    (repository,) = load(root / '.pre-commit-config.yaml')['repos']
    (hook,) = repository['hooks']
    assert (hook['entry'], hook['language']) == ('make --no-print-directory lint', 'system')
    assert hook['pass_filenames'] is False


def test_bugs_are_reported_with_what_the_doctor_says(root):
    fields = {field['id']: field for field in load(root / '.github/ISSUE_TEMPLATE/bug.yml')['body']}
    assert 'python -m mmmaskformer.doctor' in fields['doctor']['attributes']['label']
    assert fields['doctor']['validations']['required'] is True
