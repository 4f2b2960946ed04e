"""Processes stop together, and leave a step out together, when the loss of one of them is not finite."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / 'distributed'))

from forked_ranks import results_of

HERE = Path(__file__).parent


@pytest.fixture(scope='module')
def folder(warm_python, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('finite_loss_ranks')
    paths = HERE, HERE.parent / 'distributed'
    warm_python(None, str(HERE / 'finite_loss_ranks.py'), str(folder), path=paths)
    return folder


def test_both_stop_and_name_the_process_with_the_fault(folder):
    first, second = (found['stop'] for found in results_of(2, folder))
    assert first == second
    assert first.startswith('Iteration 2: the loss is not finite: d0.loss_mask = nan in process 1, with ')
    assert '/images/5.png, /images/7.png; ' in first
    assert 'process 0' not in first
    records = [path.name for path in (folder / 'stop').glob('non_finite_loss_*')]
    assert records == ['non_finite_loss_iter_2_rank_1.pth']


def test_both_leave_the_step_out(folder):
    first, second = results_of(2, folder)
    assert first['skip'] == second['skip']
    assert first['skip'] == [first['without'][0], 1]
    assert first['without'][0] != 1


def test_both_drop_what_was_gathered(folder):
    """Two iterations of two processes in one step: the second is left out, and the first with it."""
    first, second = results_of(2, folder)
    assert first['accumulated'] == second['accumulated'] == [1, 1]
