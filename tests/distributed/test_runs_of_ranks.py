"""Whole training runs of several processes on CPUs, and what they leave."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from small_models import small_model
from small_training import EQUAL_WEIGHTS, SHARDS_ON_CPU, train, training_config

from mmmaskformer.apis import evaluate_model, train_model
from mmmaskformer.checkpoints.reading import safe_load

ROOT = Path(__file__).parents[2]


def test_synchronised_batch_norm_falls_back(ranks, folder_of_ranks, tmp_path):
    """In one process as in two, whose running statistics are those of the checkpoint when it is validated."""
    one = train(folder_of_ranks, tmp_path / 'train', 1, norm='SyncBN')
    first, second = (rank['sync_bn'] for rank in ranks[2])
    assert one['kinds'] == first['kinds'] == second['kinds']
    assert 'SyncBatchNorm' not in one['kinds']
    state = safe_load(folder_of_ranks / 'sync_bn/iter_2.pth')['state_dict']
    for name, value in first['statistics'].items():
        assert torch.equal(value, state[name])
        assert torch.equal(value, second['statistics'][name])
        alike = torch.equal(value, one['statistics'][name])  # no: each process has half of the images
        assert alike == name.endswith('num_batches_tracked')


@pytest.mark.skipif(not SHARDS_ON_CPU, reason='FSDP of this PyTorch needs GPUs')
def test_sharded_run_leaves_a_whole_checkpoint(ranks, folder_of_ranks, tmp_path):
    """MMEngine's FSDPStrategy, two updates of two accumulated steps."""
    for rank in ranks[2]:
        losses = rank['sharded']['losses']
        assert len(losses) == 4
        assert losses[2:] != losses[:2]
        *groups, base = rank['sharded']['groups']  # lr and weight decay; MMEngine adds the base's settings
        assert sorted(groups) == [(0.5e-4, 1e-4), (1e-4, 0.0), (1e-4, 1e-4)]
        assert base == (1e-4, 1e-4)
    path = folder_of_ranks / 'sharded/iter_4.pth'
    content = safe_load(path)
    model = small_model(decode_head=dict(criterion=EQUAL_WEIGHTS))
    model.load_state_dict(content['state_dict'])
    assert set(content['optimizer']['state']) == {name for name, _ in model.named_parameters()}
    compare_metrics(validated(path), path, folder_of_ranks, tmp_path)


@pytest.mark.skipif(not SHARDS_ON_CPU, reason='FSDP of this PyTorch needs GPUs')
def test_sharded_run_resumes(ranks, folder_of_ranks):
    """From the second iteration on, with the groups of its optimizer, to the same numbers."""
    for rank in ranks[2]:
        assert rank['resumed']['groups'] == rank['sharded']['groups']
        assert rank['resumed']['losses'][-2:] == rank['sharded']['losses'][2:]
    whole, resumed = (
        safe_load(folder_of_ranks / name / 'iter_4.pth')['state_dict'] for name in ('sharded', 'resumed')
    )
    for name, value in whole.items():
        assert torch.equal(value, resumed[name]), name


def test_four_processes_train_as_one(ranks, folder_of_ranks, tmp_path):
    """The parameters after two steps, and the metrics of an uneven last batch."""
    four = folder_of_ranks
    train_model(training_config(four, tmp_path / 'one', 1))
    start, alone, found = (
        safe_load(path)['state_dict']
        for path in (four / 'start.pth', tmp_path / 'one/iter_2.pth', four / 'four/iter_2.pth')
    )
    assert list(found) == list(alone)
    change, difference = (
        sum((a[name] - b[name]).double().norm() ** 2 for name in alone) ** 0.5
        for a, b in ((alone, start), (alone, found))
    )
    assert change > 0.01
    assert difference < 1e-4 * change
    checkpoint = four / 'four/iter_2.pth'
    compare_metrics(validated(checkpoint), checkpoint, four, tmp_path / 'test')


@pytest.mark.soak
@pytest.mark.parametrize('world', [2, 4])
def test_several_processes_test_as_one(ranks, folder_of_ranks, world, tmp_path):
    four = folder_of_ranks
    checkpoint, found = four / 'four/iter_2.pth', tmp_path / 'found'
    training_config(four, found, world).dump(tmp_path / 'small.py')
    run_script('dist_test.sh', tmp_path / 'small.py', checkpoint, world, '--work-dir', found)
    (log,) = found.glob('*/*.json')
    compare_metrics(json.loads(log.read_text()), checkpoint, four, tmp_path / 'alone')


def run_script(name: str, *arguments: object) -> None:
    """One of the shell scripts in tools/, without a GPU."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ['PATH']])
    settings = dict(PATH=path, CUDA_VISIBLE_DEVICES='', OMP_NUM_THREADS='1')
    command = [str(ROOT / 'tools' / name), *map(str, arguments)]
    done = subprocess.run(
        command, env={**os.environ, **settings}, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr


def validated(checkpoint: Path) -> dict[str, float]:
    """What the validation found that followed the checkpoint."""
    (path,) = checkpoint.parent.glob('*/vis_data/scalars.json')
    return json.loads(path.read_text().splitlines()[-1])


def compare_metrics(found: dict, checkpoint: Path, data: Path, work_dir: Path) -> None:
    """Every metric is what one process finds for the checkpoint, to the last digit; nan is nan."""
    alone = evaluate_model(training_config(data, work_dir, 1), str(checkpoint))
    assert len({value for name, value in alone.items() if name.startswith('IoU.')}) > 1
    one, other = ({name: repr(float(values[name])) for name in alone} for values in (found, alone))
    assert one == other
