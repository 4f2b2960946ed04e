"""benchmarks/gpu.py: the dry run gives every figure, and no part can take the others' time."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'benchmarks'))

from gpu_parts import PARTS, Part, driver, plan, report
from gpu_parts.floor import SavedBytes
from gpu_parts.rows import new_rows
from gpu_parts.timeline import Timeline
from pack_camvid import pack
from peers import focal_loss_of_pytorch

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def camvid(tmp_path):
    """Two frames for training and two for validation, at 48x36."""
    rng = np.random.default_rng(0)
    for split in ('train', 'val'):
        for folder, suffix, shape, most in (('img', 'jpg', (36, 48, 3), 256), ('ann', 'png', (36, 48), 12)):
            (tmp_path / 'camvid' / folder / split).mkdir(parents=True)
            for number in range(2):
                path = tmp_path / 'camvid' / folder / split / f'{number}.{suffix}'
                cv2.imwrite(str(path), rng.integers(0, most, shape, dtype=np.uint8))
    return tmp_path / 'camvid'


def dry_run(out, camvid, *names):
    """Rows of some parts of the benchmark."""
    command = [sys.executable, str(ROOT / 'benchmarks/gpu.py'), '--dry-run', '--out', str(out)]
    command += ['--camvid', str(camvid), '--minutes', '8', '--parts', *names]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + (out / 'gpu.log').read_text()[-3000:]
    parts = json.loads((out / 'gpu.json').read_text())['parts']
    assert {name: part['status'] for name, part in parts.items()} == dict.fromkeys(names, 'done')
    return {name: part['rows'] for name, part in parts.items()}


@pytest.mark.slow
def test_a_dry_run_writes_its_figures(camvid, tmp_path):
    out = tmp_path / 'out'
    rows = dry_run(out, camvid, 'environment', 'mask_losses')
    assert sorted(path.name for path in out.iterdir()) == ['gpu.json', 'gpu.log', 'gpu.md', 'gpu.png']
    assert rows['environment'][0]['packages']['torch'] == torch.__version__.split('+')[0]
    forms = {row['form']: row for row in rows['mask_losses']}
    assert 'need a GPU' in forms['fused']['failure']
    assert forms['plain']['seconds'] > 0


@pytest.mark.soak
def test_dry_run_of_parts_that_train(camvid, tmp_path):
    rows = dry_run(tmp_path / 'out', camvid, 'batch', 'floor', 'training')
    assert [(row['name'], row['card']) for row in rows['batch']] == [
        (name, card) for name in ('ours', 'mmdet') for card in ('24 GB', '80 GB')
    ]
    work = [row for row in rows['floor'] if 'case' in row]
    assert [row['rate'] for row in rows['floor'] if 'rate' in row] == ['bf16', 'TF32', 'copy']
    assert len(work) == 4
    assert all(row['flops'] > 0 and row['bytes'] > 0 for row in work)
    assert [row['iteration'] for row in rows['training'] if 'mIoU' in row] == [1, 2]


def test_a_part_that_hangs_is_stopped_and_keeps_its_rows(tmp_path, monkeypatch):
    script = tmp_path / 'part.py'
    script.write_text(
        'import sys, time\n'
        'name, rows = sys.argv[2], sys.argv[4]\n'
        'sys.stdin.readline()\n'
        'open(rows, "a").write("{\\"part\\": \\"" + name + "\\"}\\n")\n'
        'time.sleep(60 if name == "hangs" else 0)\n'
        'sys.exit(name == "fails")\n'
    )
    monkeypatch.setattr(driver, 'SCRIPT', script)
    parts = [Part(name, 1, '') for name in ('hangs', 'fails', 'works')]
    args = Namespace(minutes=0.2, device='cpu', dry_run=True, camvid=None)
    seen = []
    start = time.monotonic()
    with (tmp_path / 'log').open('w') as log:
        results = driver.run_all(parts, args, log, lambda results, ended: seen.append(ended))
    assert time.monotonic() - start < 12
    assert results['hangs']['status'] == 'stopped at its limit of 4 s'
    assert results['fails']['status'] == 'failed with exit code 1'
    assert results['works']['status'] == 'done'
    assert [result['rows'] for result in results.values()] == [[{'part': part.name}] for part in parts]
    assert seen.count(True) == 3


def test_rows_half_written_are_left_for_later(tmp_path):
    path = tmp_path / 'rows.jsonl'
    with path.open('w') as writer, path.open() as reader:
        print('{"a": 1}\n{"b"', end='', file=writer, flush=True)
        assert new_rows(reader) == [{'a': 1}]
        print(': 2}', file=writer, flush=True)
        assert new_rows(reader) == [{'b': 2}]


def test_time_belongs_to_the_innermost_part():
    class Model(nn.Module):
        def forward(self):
            time.sleep(0.02)
            self.match()
            time.sleep(0.02)

        def match(self):
            time.sleep(0.08)

    model, timeline = Model(), Timeline('cpu')
    timeline.watch(model, None, 'decoders')
    timeline.watch(model, 'match', 'matching')
    model()
    with timeline.recording():
        model()
    seconds = timeline.seconds()
    assert 0.04 <= seconds['decoders'] < 0.08
    assert seconds['matching'] >= 0.08
    assert seconds['rest'] < 0.02


def test_saved_bytes_count_a_storage_once():
    saved, weight = SavedBytes(), nn.Parameter(torch.ones(5))
    x = torch.ones(5, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(saved.keep, lambda tensor: tensor):
        (x * weight * weight).sum()  # saves x, weight twice, and x * weight
    assert saved.of([weight]) == 20
    assert saved.total == 60


def test_focal_loss_for_peers_equals_that_of_their_cpu_path():
    from mmdet.models.losses.focal_loss import FocalLoss

    logits, labels = torch.randn(50, 3), torch.randint(0, 4, (50,))  # 3: no class
    expected = FocalLoss()(logits, labels, avg_factor=7)
    torch.testing.assert_close(focal_loss_of_pytorch(logits, labels, avg_factor=7), expected)


def test_what_was_not_measured_stays_empty():
    results = dict(
        date='', device='cuda', dry_run=False, parts={p.name: dict(status='not run', rows=[]) for p in PARTS}
    )
    text = report.markdown(results)
    assert text.count('(not run)') == len(PARTS)
    assert '|' not in text


def test_failures_are_shown_with_their_sentence():
    row = dict(
        case='c', name='mmseg', work='training', precision='bf16', compiled=False, failure='ValueError: nan'
    )
    parts = dict(speed=dict(status='done', rows=[row]))
    assert 'ValueError: nan' in report.markdown(dict(date='', device='cuda', dry_run=False, parts=parts))


def test_plan_fits_the_time_and_is_the_one_in_the_docs():
    last = plan.table().splitlines()[-1].split('|')
    assert int(last[2]) <= 60 * plan.MINUTES
    assert int(last[3]) <= 60 * plan.MINUTES
    assert plan.table() in (ROOT / 'benchmarks/README.md').read_text()


def test_archive_of_camvid(camvid, tmp_path):
    import tarfile

    assert pack(camvid, tmp_path / 'camvid.tar') == 8
    with tarfile.open(tmp_path / 'camvid.tar') as archive:
        data = archive.extractfile('camvid/ann/val/1.png').read()
    labels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    original = cv2.imread(str(camvid / 'ann/val/1.png'), cv2.IMREAD_UNCHANGED)
    assert labels.shape == (240, 320)
    assert set(np.unique(labels)) <= set(np.unique(original))


def test_archive_needs_camvid(tmp_path):
    with pytest.raises(FileNotFoundError, match='expected CamVid there'):
        pack(tmp_path, tmp_path / 'camvid.tar')
