"""The doctor's report on faked installations, and its output in a fresh process."""

from __future__ import annotations

from mmmaskformer import doctor

SOUND = {
    'torch': {'torch': '2.11.0'},
    'torchvision': {'torchvision': '0.26.0'},
    'numpy': {'numpy': '2.4.6'},
    'mmengine': {'mmengine': '0.10.7'},
    'mmcv': {'mmcv-lite': '2.1.0'},
    'mmseg': {'mmsegmentation': '1.2.2'},
    'cv2': {'opencv-python': '4.13.0'},
    'setuptools': {'setuptools': '81.0.0'},
    'transformers': {},
}


def complaints(python: str = '3.11.7', **changes) -> list[doctor.Problem]:
    return doctor.version_problems({**SOUND, **changes}, python)


def test_a_sound_installation_has_no_problem():
    assert complaints() == []
    assert complaints(mmcv={'mmcv': '2.1.0'}) == []
    assert complaints(mmengine={'onedl-mmengine': '0.10.12'}) == []
    assert complaints(setuptools={'setuptools': '84.2.1'}) == []  # without pkg_resources
    assert complaints(mmseg={'mmseg': 'unknown'}) == []  # a fork on the path keeps the import name


def test_each_fault_is_named_with_its_fix():
    faults = {
        'mmseg is not installed': complaints(mmseg={}),
        'mmcv is not installed': complaints(mmcv={}),
        'Python 3.9.18 is too old': complaints(python='3.9.18'),
        'mmcv-lite 2.1.0 and mmcv 2.1.0 are both installed': complaints(
            mmcv={'mmcv-lite': '2.1.0', 'mmcv': '2.1.0'}
        ),
        'mmcv 2.2.0 is out of range, needed is >=2.0.1,<2.2': complaints(mmcv={'mmcv': '2.2.0'}),
        'mmengine 0.10.7 and onedl-mmengine 0.10.12 are both installed': complaints(
            mmengine={'mmengine': '0.10.7', 'onedl-mmengine': '0.10.12'}
        ),
        'opencv-python 4.13.0 and opencv-python-headless 4.12.0 are both installed': complaints(
            cv2={'opencv-python': '4.13.0', 'opencv-python-headless': '4.12.0'}
        ),
        'torch 2.13.0 and torchvision 0.26.0 are not a pair, this torch needs torchvision 0.28': complaints(
            torch={'torch': '2.13.0'}
        ),
        'torch 2.0.1 is out of range, needed is >=2.1': complaints(
            torch={'torch': '2.0.1'}, torchvision={'torchvision': '0.15.2'}
        ),
    }
    fixes = {
        'mmseg is not installed': 'pip install "mmsegmentation==1.2.2"',
        'mmcv is not installed': 'pip install "mmcv-lite==2.1.0"',
        'mmcv-lite 2.1.0 and mmcv 2.1.0 are both installed': 'pip uninstall -y mmcv-lite mmcv, then ',
    }
    for what, found in faults.items():
        assert len(found) == 1, (what, found)
        assert found[0].what.startswith(what)
        assert found[0].fix.startswith(fixes.get(what, ''))
        assert found[0].fix


def test_builds_of_torch_and_torchvision_must_agree():
    cpu, cuda = {'torch': '2.11.0+cpu'}, {'torchvision': '0.26.0+cu130'}
    assert len(complaints(torch=cpu, torchvision=cuda)) == 1
    assert complaints(torch=cpu) == []


def test_from_torch_2_14_a_torchvision_fits_later_torches():
    later = {'torch': '2.15.0'}
    assert complaints(torch=later, torchvision={'torchvision': '0.29.2'}) == []
    (problem,) = complaints(torch=later, torchvision={'torchvision': '0.28.0'})
    assert 'needs torchvision 0.29 or later' in problem.what


def test_a_real_process_reports_what_is_installed(run_python):
    from importlib import metadata

    done = run_python(None, '-m', 'mmmaskformer.doctor', check=False)
    versions = section(done.stdout, 'Versions')
    rows = {line.split()[0]: ' '.join(line.split()[1:]) for line in versions}
    assert rows['torch'] == metadata.version('torch')
    ((mmseg, version),) = doctor.installed()['mmseg'].items()  # or a fork's
    assert rows[mmseg] == version
    assert rows['GPU'].startswith('none (torch is built for') or '(torch is built for' in rows['GPU']
    assert not any(line.endswith('MISSING') for line in versions)
    assert (done.returncode == 0) == done.stdout.rstrip().endswith('Nothing is wrong.'), done.stdout
    worked_around = '\n'.join(section(done.stdout, 'Worked around'))
    assert ('mmcv-lite has no compiled operators' in worked_around) == ('mmcv-lite' in rows)


def test_it_speaks_where_nothing_is_installed(run_python):
    done = run_python(None, '-m', 'mmmaskformer.doctor', options=('-S',), check=False)  # -S: no site-packages
    assert done.returncode == 1
    assert done.stderr == ''
    wrong = '\n'.join(section(done.stdout, 'Wrong'))
    for name in ('torch', 'mmengine', 'mmcv', 'mmseg', 'mmdet', 'mmpretrain', 'scipy', 'cv2', 'setuptools'):
        assert f' {name} is not installed.' in wrong


def test_a_broken_version_fails_the_command(warm_python, tmp_path):
    fake(tmp_path, 'torchvision', '0.20.1')
    fake(tmp_path, 'mmdet', '2.28.2')
    code = "import runpy; runpy.run_module('mmmaskformer.doctor', run_name='__main__')"
    done = warm_python(code, path=(tmp_path,), check=False)
    assert done.returncode == 1
    wrong = section(done.stdout, 'Wrong')
    assert any('mmdet 2.28.2 is out of range' in line for line in wrong)
    assert any('and torchvision 0.20.1 are not a pair' in line for line in wrong)
    assert wrong.count('     Fix: pip install "mmdet==3.3.0"') == 1


def test_a_package_that_does_not_import_is_told_with_its_reason(monkeypatch):
    monkeypatch.setattr(doctor, 'TRIAL_IMPORTS', ('json', 'json.nowhere'))
    _, (problem,) = doctor.try_imports()
    assert problem.what == "`import json.nowhere` fails: ModuleNotFoundError: No module named 'json.nowhere'"


def fake(folder, distribution: str, version: str) -> None:
    """Metadata that comes first on the search path, so that the version seems to be installed."""
    (folder / f'{distribution}-{version}.dist-info').mkdir()
    (folder / f'{distribution}-{version}.dist-info' / 'METADATA').write_text(
        f'Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n'
    )


def section(text: str, title: str) -> list[str]:
    """The indented lines below a title."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(title)) + 1
    rest = lines[start:]
    end = next((i for i, line in enumerate(rest) if not line.startswith('  ')), len(rest))
    return rest[:end]
