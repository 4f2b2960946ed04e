"""Nothing in the project calls what would run code that comes with data."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted(
    path
    for folder in ('mmmaskformer', 'tools', 'configs', 'benchmarks')
    for path in (ROOT / folder).rglob('*.py')
    if '.mim' not in path.parts
)
# Whatever the arguments.
FORBIDDEN = {
    'builtins.eval', 'builtins.exec', 'builtins.__import__',
    'os.system', 'os.popen', 'subprocess.getoutput', 'subprocess.getstatusoutput',
    'pickle.load', 'pickle.loads', 'pickle.Unpickler', 'shelve.open', 'marshal.load', 'marshal.loads',
    'joblib.load', 'dill.load', 'dill.loads', 'cloudpickle.load', 'pandas.read_pickle',
    'yaml.load', 'yaml.load_all', 'yaml.full_load', 'yaml.unsafe_load',
    'shutil.unpack_archive', 'torch.hub.load', 'torch.hub.load_state_dict_from_url', 'torch.jit.load',
    'mmengine.Config.fromstring', 'mmengine.config.Config.fromstring',
    'mmengine.load', 'mmengine.fileio.load',  # of YAML and pickles, without an allow-list
}  # fmt: skip
METHODS = {'extractall', 'extract'}  # of archives
REFUSED = {'shell': True, 'allow_pickle': True, 'weights_only': False, 'trust_remote_code': True}
# The one place that unpickles, with unpicklers of our own that know an allow-list.
SAFE_LOADING = 'mmmaskformer/checkpoints/reading.py'
ALLOWED = {(SAFE_LOADING, 'torch.load'), (SAFE_LOADING, 'pickle.Unpickler')}


def names_of(tree: ast.Module) -> dict[str, str]:
    """What imported names stand for: ``np`` for ``numpy``, ``load`` for ``torch.load``."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for a in node.names:
                top = a.name.split('.')[0]
                found.update({a.asname: a.name} if a.asname else {top: top})
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.update({a.asname or a.name: f'{node.module}.{a.name}' for a in node.names})
    return found


def dotted(node: ast.expr, names: dict[str, str]) -> str:
    if isinstance(node, ast.Attribute):
        return f'{dotted(node.value, names)}.{node.attr}'
    return names.get(node.id, f'builtins.{node.id}') if isinstance(node, ast.Name) else '?'


def faults(source: str) -> Iterator[str]:
    """Unsafe calls, and mentions of functions that are unsafe whatever the arguments, of a source text."""
    tree = ast.parse(source)
    names = names_of(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and dotted(node, names) in FORBIDDEN:
            yield dotted(node, names)
        if not isinstance(node, ast.Call):
            continue
        name = dotted(node.func, names)
        given = {k.arg: getattr(k.value, 'value', None) for k in node.keywords}
        unsafe = [
            isinstance(node.func, ast.Attribute) and node.func.attr in METHODS,
            name == 'torch.load' and given.get('weights_only') is not True,
            *(given.get(key) is value for key, value in REFUSED.items()),
        ]
        if any(unsafe):
            yield name


@pytest.mark.parametrize('path', FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_unsafe_call(path):
    place = str(path.relative_to(ROOT))
    assert [name for name in faults(path.read_text()) if (place, name) not in ALLOWED] == []


@pytest.mark.parametrize(
    'source',
    [
        'import torch\ntorch.load(path)',
        'import torch as t\nt.load(path, weights_only=False)',
        'from torch import load\nload(path)',
        'import functools, torch\nread = functools.partial(torch.hub.load_state_dict_from_url, url)',
        'import pickle\npickle.load(file)',
        'from pickle import loads as read\nread(data)',
        'import pickle\nreaders = {".pkl": pickle.load}',
        'import pickle\npickle.Unpickler(file).load()',
        'eval(text)',
        'exec(text)',
        "__import__('os')",
        'import yaml\nyaml.load(text, Loader=yaml.Loader)',
        'import os\nos.system(text)',
        'import subprocess\nsubprocess.run(text, shell=True)',
        'archive.extractall(folder)',
        'zipfile.ZipFile(path).extract(name)',
        'import numpy as np\nnp.load(path, allow_pickle=True)',
        'from mmengine.fileio import load\nload(path)',
        'from mmengine import Config\nConfig.fromstring(text, ".py")',
    ],
)
def test_the_check_can_fail(source):
    assert list(faults(source))


@pytest.mark.parametrize(
    'source',
    [
        'import torch\ntorch.load(path, weights_only=True)',
        'model.eval()',
        'import re\nre.compile(text)',
        'import numpy as np\nnp.load(path)',
        'import yaml\nyaml.safe_load(text)',
        'import subprocess\nsubprocess.run([text])',
        'import pickle\npickle.dumps(1)\npickle.UnpicklingError',
        'import json\njson.load(file)',
    ],
)
def test_safe_calls_pass(source):
    assert list(faults(source)) == []
