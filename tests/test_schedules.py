"""The learning rate at each step is that of the official code."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import PARAM_SCHEDULERS
from torch import nn

import mmmaskformer  # noqa: F401

SCHEDULES_FOLDER = Path(__file__).parents[1] / 'configs' / '_base_' / 'schedules'


@pytest.mark.parametrize(('warm_up', 'schedule'), [(0, 'coco_panoptic'), (1500, 'swin_coco_panoptic')])
def test_steps_of_coco_panoptic(warm_up, schedule):
    cfg = Config.fromfile(SCHEDULES_FOLDER / f'schedule_{schedule}.py')
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    schedulers = [PARAM_SCHEDULERS.build({**s, 'optimizer': optimizer}) for s in cfg.param_scheduler]
    (steps,) = (s.milestones for s in schedulers if hasattr(s, 'milestones'))
    assert list(steps) == [369600]
    assert cfg.train_cfg.max_iters == 554400
    for step in range(2000):
        expected = 1e-6 * (1 - step / warm_up) + step / warm_up if step < warm_up else 1.0
        assert optimizer.param_groups[0]['lr'] == pytest.approx(expected, rel=1e-5), step
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()


# warm-up and number of iterations
SCHEDULES = {
    'schedule_cnn_160k.py': (0, 160000),
    'schedule_swin_160k.py': (1500, 160000),
    'schedule_scratch_1400i.py': (50, 1400),
}


@pytest.mark.parametrize('schedule', SCHEDULES)
def test_learning_rate_at_each_step(schedule):
    """Poly with power 0.9, multiplied by a linear warm-up from 1e-6, as the official code has it."""
    warm_up, total = SCHEDULES[schedule]
    cfg = Config.fromfile(SCHEDULES_FOLDER / schedule)
    assert cfg.train_cfg.max_iters == total
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    schedulers = [PARAM_SCHEDULERS.build({**s, 'optimizer': optimizer}) for s in cfg.param_scheduler]
    for step in range(total):
        if step < 3 or step % 50 == 0 or step % 50 == 49:
            factor = 1e-6 * (1 - step / warm_up) + step / warm_up if step < warm_up else 1.0
            expected = factor * (1 - step / total) ** 0.9
            assert optimizer.param_groups[0]['lr'] == pytest.approx(expected, rel=1e-6), step
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
