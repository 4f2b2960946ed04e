"""Sizes, queries, batch and length of a training, computed by hand."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from mmmaskformer.own_data import plan as planning
from mmmaskformer.own_data.memory import largest_batch
from mmmaskformer.own_data.model_choice import choose_model
from mmmaskformer.own_data.plan import cpu_batch, crop_of, fit_size, iterations, make_plan, queries
from mmmaskformer.own_data.step_time import area_for_time


@pytest.mark.parametrize(
    ('num_classes', 'most', 'task', 'expected'),
    [
        (11, 11, 'semantic', 33),
        (1, 1, 'semantic', 10),
        (150, 40, 'semantic', 150),  # a query for each class
        (133, 60, 'panoptic', 100),
        (3, 80, 'instance', 100),
        (3, 200, 'instance', 250),
    ],
)
def test_queries(num_classes, most, task, expected):
    assert queries(num_classes, most, task) == expected


@pytest.mark.parametrize(
    ('sizes', 'image_size', 'crop_size'),
    [
        ([(360, 480)], (320, 240), (192, 256)),
        ([(64, 80)] * 3, (80, 64), (64, 64)),  # not enlarged
        ([(400, 300), (300, 400)], (320, 240), (224, 224)),  # portraits and landscapes
        ([(10, 10)], (10, 10), (32, 32)),
    ],
)
def test_sizes(sizes, image_size, crop_size):
    found = fit_size(sizes, 320 * 240)
    assert found == image_size
    assert crop_of(found, sizes) == crop_size


@pytest.mark.parametrize(
    ('num_images', 'batch', 'accumulation', 'expected'),
    [(367, 4, 1, 2752), (6, 4, 1, 600), (367, 2, 2, 5504), (10**6, 4, 1, 40000)],
)
def test_iterations(num_images, batch, accumulation, expected):
    assert iterations(num_images, batch, accumulation) == expected


@pytest.mark.parametrize(
    ('area', 'seconds', 'minutes', 'expected'),
    [
        (76800, 0.6, 3, 76800),  # 200 steps in three quarters of three minutes: 0.675 s each
        (76800, 1.5, 3, 34560),
        (76800, 60, 3, 19200),
        (5000, 60, 3, 5000),  # small images are neither reduced nor enlarged
    ],
)
def test_images_are_reduced_until_enough_steps_fit(area, seconds, minutes, expected):
    assert area_for_time(area, seconds, 60 * minutes) == expected


def test_a_reduced_plan_has_smaller_crops():
    plan = made(model='r18').with_area(160 * 120, [(360, 480)], 3)
    assert (plan.image_size, plan.crop_size, plan.minutes) == ((160, 120), (96, 128), 3)
    assert plan.max_iters == made(model='r18').max_iters


def test_batch_follows_the_free_memory(monkeypatch):
    need = 192 * 256 * planning.BYTES_PER_PIXEL
    for free, expected in ((8 * need, 4), (7.9 * need, 2), (3 * need, 1), (0, 1)):
        monkeypatch.setattr(planning, 'free_memory', lambda free=free: free)
        assert cpu_batch(4, (192, 256)) == expected


@pytest.mark.parametrize(('space', 'expected'), [(16, 16), (7, 4), (1, 1)])
def test_batch_is_halved_where_the_memory_ends(space, expected):
    tried = []

    def step(batch_size):
        tried.append(batch_size)
        if batch_size > space:
            raise torch.cuda.OutOfMemoryError

    assert largest_batch(step, 16) == expected == tried[-1]


def test_not_one_image_fits():
    def step(batch_size):
        raise torch.cuda.OutOfMemoryError

    with pytest.raises(ValueError, match='does not suffice for a single image'):
        largest_batch(step, 4)


def made(task='semantic', **options):
    contents = SimpleNamespace(
        root='data/mine',
        format='label maps',
        image_sizes=[(360, 480)],
        segments_per_image=(5, 11),
        num_channels=3,
    )
    prepared = SimpleNamespace(task='semantic', classes=[None] * 11, train_size=367, val_size=101)
    return make_plan(contents, prepared, task, **options)


def test_plan_of_camvid_is_the_recipe():
    """configs/camvid/maskformer_r18_small-data_1xb4-600i_camvid-192x256.py, but for the length."""
    plan = made(model='r18')
    assert (plan.num_queries, plan.image_size, plan.crop_size) == (33, (320, 240), (192, 256))
    assert plan.batch_size * plan.accumulation == 4
    assert plan.model.base == 'maskformer_r18_small-data'


def test_smaller_batches_are_accumulated():
    plan = made(model='r18')
    halved = plan.with_batch(plan.batch_size // 2)
    assert halved.batch_size * halved.accumulation == 4
    assert halved.max_iters == 2 * plan.max_iters


def test_a_task_that_annotations_do_not_allow_is_refused():
    with pytest.raises(ValueError, match='label maps, which serve semantic segmentation, not panoptic'):
        made('panoptic', model='r18')


def test_weights_that_are_not_at_hand(monkeypatch, tmp_path):
    monkeypatch.setattr('mmmaskformer.own_data.model_choice.find_spec', lambda name: None)
    choice, note = choose_model(None, 100)
    assert choice.name == 'r18'
    assert "pip install 'mmmaskformer[timm]'" in note
    with pytest.raises(ValueError, match='needs timm'):
        choose_model('efficientnet-lite0', 100)
    with pytest.raises(FileNotFoundError, match=r'nowhere.pth do not exist'):
        choose_model('r18', 100, 'nowhere.pth')
    with pytest.raises(ValueError, match=r"Unknown model 'r19'.*did you mean 'r18'"):
        choose_model('r19', 100)


def test_weights_of_a_backbone_or_a_model(tmp_path):
    backbone, model = tmp_path / 'backbone.pth', tmp_path / 'model.pth'
    torch.save({'conv1.weight': torch.zeros(1)}, backbone)
    torch.save({'backbone.conv1.weight': torch.zeros(1), 'decode_head.x': torch.zeros(1)}, model)
    assert choose_model('r18', 100, str(backbone))[0].is_backbone
    assert not choose_model('r18', 100, str(model))[0].is_backbone


def test_many_images_have_the_published_head():
    assert choose_model('r18', 10**5)[0].base == 'maskformer_r18'
