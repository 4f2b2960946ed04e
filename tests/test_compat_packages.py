"""How MMEngine finds other packages: without pkg_resources, and where forks bring them."""

from __future__ import annotations

from importlib import metadata

from mmengine.config import Config
from mmengine.config.utils import MODULE2PACKAGE

from mmmaskformer import compat, doctor

WITHOUT_PKG_RESOURCES = """
    import sys
    from importlib.machinery import PathFinder

    class Without(PathFinder):  # as with setuptools 82 and later
        @classmethod
        def find_spec(cls, name, path=None, target=None):
            return None if name == 'pkg_resources' else super().find_spec(name, path, target)

    sys.meta_path = [Without if finder is PathFinder else finder for finder in sys.meta_path]
    from mmengine.utils import get_installed_path, is_installed
    try:
        print(is_installed('mmengine'))
    except ModuleNotFoundError:
        print('needed')
    import mmmaskformer
    from mmengine.config import Config
    print(is_installed('mmengine'), is_installed('torch'), is_installed('nowhere'))
    print(get_installed_path('mmseg').endswith('mmseg'))
    base = "_base_ = 'mmseg::_base_/default_runtime.py'"
    print(Config.fromstring(base, '.py').default_scope)
"""


def test_a_setuptools_without_pkg_resources(run_python):
    printed = run_python(WITHOUT_PKG_RESOURCES).stdout.split()
    assert printed[-5:] == ['True', 'True', 'False', 'True', 'mmseg']
    needed = 'onedl-mmengine' not in doctor.installed()['mmengine']
    assert ('needed' in printed) == needed, 'this MMEngine does without: the stand-in can go'


def test_a_setuptools_that_warns(run_python, tmp_path):
    (tmp_path / 'pkg_resources.py').write_text(
        'import warnings\n'
        "warnings.warn('pkg_resources is deprecated as an API.', UserWarning, stacklevel=2)\n"
        'from importlib.metadata import PackageNotFoundError as DistributionNotFound\n'
        'from importlib.metadata import distribution as get_distribution\n'
    )
    code = "import mmmaskformer; from mmengine.utils import is_installed; print(is_installed('torch'))"
    done = run_python(code, path=(tmp_path,))
    assert done.stdout.splitlines()[-1] == 'True'
    assert 'pkg_resources' not in done.stderr


def test_configs_of_a_fork_of_mmseg_are_found(monkeypatch):
    def distribution(name):
        if name == 'mmsegmentation':
            raise metadata.PackageNotFoundError(name)
        return found(name)

    found = metadata.distribution
    monkeypatch.setattr(metadata, 'distribution', distribution)
    monkeypatch.setitem(MODULE2PACKAGE, 'mmseg', 'mmsegmentation')
    compat.announce_configs()
    assert MODULE2PACKAGE['mmseg'] == 'mmseg'
    config = Config.fromstring("_base_ = 'mmseg::_base_/default_runtime.py'", '.py')
    assert config.default_scope == 'mmseg'
