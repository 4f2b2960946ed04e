"""Several processes on GPUs learn what one learns from all images.

NCCL refuses two processes on one GPU, so there gloo joins them; NCCL joins as many as there are GPUs.
"""

from __future__ import annotations

import pytest
import torch
from devices import ON_CUDA, need_real_gpu
from joint_batches import build, learn, share
from rank_steps import learn_together


def check_ranks(ranks: list[dict], device: str) -> None:
    losses, gradient = learn(build('equal_weights').to(device), share('as_many'))
    for name, value in losses.items():
        mean = sum(rank['losses'][name] for rank in ranks) / len(ranks)
        assert mean == pytest.approx(value, rel=1e-4, abs=1e-5)
    for rank in ranks:
        assert torch.equal(rank['gradient'], ranks[0]['gradient'])
        difference = rank['gradient'] - gradient.cpu()
        assert difference.norm() < 1e-4 * gradient.norm()


@pytest.mark.parametrize('device', [pytest.param('cpu', marks=pytest.mark.soak), ON_CUDA], indirect=True)
def test_two_processes_on_one_device(tmp_path, device):
    need_real_gpu(device)
    check_ranks(learn_together(2, 'gloo', device, tmp_path), device)


def test_nccl(tmp_path, gpu):
    world = {1: 1, 2: 2, 3: 2}.get(torch.cuda.device_count(), 4)  # four images are shared out evenly
    check_ranks(learn_together(world, 'nccl', gpu, tmp_path), gpu)
