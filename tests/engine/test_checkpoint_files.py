"""Torn files are recognized, and writing tears none."""

from __future__ import annotations

import contextlib
import os
import random

import pytest
import torch

from mmmaskformer.engine import CrashSafeCheckpointHook, checkpoint_files
from mmmaskformer.engine.checkpoint_files import (
    AtomicBackend,
    checkpoint_folder,
    is_whole,
    newest_whole_checkpoint,
)

STATE = {'state_dict': {f'layer{i}': torch.arange(40.0) + i for i in range(4)}, 'meta': {'iter': 7}}


def save(folder, name, age=0.0):
    path = folder / name
    torch.save(STATE, path)
    os.utime(path, (1e9 - age, 1e9 - age))
    return path


def fail(*_):
    raise OSError('disk full')


def test_every_cut_is_seen(tmp_path):
    content = save(tmp_path, 'whole.pth').read_bytes()
    assert is_whole(tmp_path / 'whole.pth')
    cut = tmp_path / 'cut.pth'
    for length in [0, 1, *range(10, len(content), 97), len(content) - 1]:
        cut.write_bytes(content[:length])
        assert not is_whole(cut), length
        cut.write_bytes(content[:length].ljust(len(content), b'\0'))  # as after a power cut
        assert not is_whole(cut) or cut.read_bytes() == content, length


def test_changed_content_is_seen(tmp_path):
    """Every bit of what is stored counts."""
    path, generator = save(tmp_path, 'whole.pth'), random.Random(0)
    content = path.read_bytes()
    for tensor in STATE['state_dict'].values():
        place = content.index(tensor.numpy().tobytes()) + generator.randrange(160)
        other = bytes([content[place] ^ (1 << generator.randrange(8))])
        path.write_bytes(content[:place] + other + content[place + 1 :])
        assert not is_whole(path)


def test_missing_and_foreign_files(tmp_path):
    assert not is_whole(tmp_path / 'missing.pth')
    (tmp_path / 'text.pth').write_text('no archive')
    assert not is_whole(tmp_path / 'text.pth')
    assert newest_whole_checkpoint(tmp_path) is None
    assert newest_whole_checkpoint(tmp_path / 'missing') is None


def test_the_newest_is_the_one_written_last(tmp_path):
    """A run that begins anew in the same folder has smaller numbers."""
    save(tmp_path, 'iter_900.pth', age=30)
    expected = save(tmp_path, 'iter_50.pth', age=20)
    save(tmp_path, 'iter_60.pth', age=10).write_bytes(b'PK torn')
    save(tmp_path, 'best_mIoU_iter_40.pth')
    save(tmp_path, 'r50.pth')
    assert newest_whole_checkpoint(tmp_path) == str(expected)
    interrupted = save(tmp_path, 'interrupted.pth')
    assert newest_whole_checkpoint(tmp_path) == str(interrupted)


def test_names_of_ones_own(tmp_path):
    expected = save(tmp_path, 'step+5.pth')
    save(tmp_path, 'stepp5.pth')
    assert newest_whole_checkpoint(tmp_path) is None
    assert newest_whole_checkpoint(tmp_path, 'step+{}.pth') == str(expected)


def test_folder_of_the_hook():
    assert checkpoint_folder('work_dirs/run/') == 'work_dirs/run/'
    assert checkpoint_folder('work_dirs/run/', '/disk') == '/disk/run'


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / 'iter_1.pth'
    AtomicBackend().put(b'old', path)
    monkeypatch.setattr(checkpoint_files.os, 'fsync', fail)
    with pytest.raises(OSError, match='disk full'):
        AtomicBackend().put(b'new', path)
    assert path.read_bytes() == b'old'
    checkpoint_files.remove_parts(tmp_path)
    assert os.listdir(tmp_path) == ['iter_1.pth']


def test_old_files_go_when_the_new_one_is_there(tmp_path, monkeypatch):
    backend, old, new = AtomicBackend(), tmp_path / 'old.pth', tmp_path / 'new.pth'
    backend.put(b'old', old)
    with backend.removals_last():
        backend.remove(old)
        assert old.exists()
        backend.put(b'new', new)
    assert not old.exists()
    with backend.removals_last():
        backend.remove(new)
        backend.put(b'newer', new)
    assert new.read_bytes() == b'newer'
    monkeypatch.setattr(checkpoint_files.os, 'replace', fail)
    with contextlib.suppress(OSError), backend.removals_last():
        backend.remove(new)
        backend.put(b'newest', new)
    assert new.exists()
    backend.remove(new)
    assert not new.exists()


def test_unknown_signal():
    with pytest.raises(KeyError, match='SIGNONE'):
        CrashSafeCheckpointHook(stop_signals=['SIGNONE'])
