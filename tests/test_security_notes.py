"""Security notes of the doctor, for faked installations and for this one."""

from __future__ import annotations

import builtins
import os
import subprocess
from importlib import metadata

import pytest
import torch
from mmengine.logging import HistoryBuffer

import mmmaskformer
from mmmaskformer.compat import history_method
from mmmaskformer.security_notes import UNPROTECTED, security_notes

HARMLESS = [HistoryBuffer, set, bytearray, (history_method, 'builtins.getattr'), torch.Size]


def test_nothing_to_tell():
    assert security_notes('2.6.0', {}, HARMLESS) == []
    assert security_notes('2.13.0+cpu', {UNPROTECTED: '0'}, HARMLESS) == []
    assert security_notes('', {}, []) == []


@pytest.mark.parametrize('version', ['2.1.0', '2.5.1+cu121'])
def test_old_releases(version):
    (note,) = security_notes(version, {}, [])
    assert note.startswith(f'torch.load of torch {version} runs code')


def test_protection_that_is_turned_off():
    (note,) = security_notes('2.6.0', {UNPROTECTED: '1'}, [])
    assert note.startswith(f'{UNPROTECTED} is set')


@pytest.mark.parametrize(
    'thing', [eval, getattr, os.system, open, subprocess.Popen, (builtins.exec, 'my.name')]
)
def test_functions_on_the_allow_list(thing):
    (note,) = security_notes('2.6.0', {}, [*HARMLESS, thing])
    assert (thing[0] if isinstance(thing, tuple) else thing).__name__ in note
    assert 'HistoryBuffer' not in note


def test_this_process():
    """What mmmaskformer itself puts on the list is harmless."""
    assert mmmaskformer.__version__
    assert not [
        note for note in security_notes(torch.__version__) if 'allow-list of torch.load holds' in note
    ]


def test_the_report_says_it(warm_python, monkeypatch):
    monkeypatch.setenv(UNPROTECTED, '1')
    code = "import runpy; runpy.run_module('mmmaskformer.doctor', run_name='__main__')"
    lines = warm_python(code, check=False).stdout.splitlines()
    shown = ' '.join(lines[lines.index('Security') + 1 :])
    for note in security_notes(metadata.version('torch'), {UNPROTECTED: '1'}):
        assert note in shown
