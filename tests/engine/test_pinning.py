"""Batches are pinned with their ground truth."""

from __future__ import annotations

import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch.utils.data import DataLoader
from torch.utils.data._utils.pin_memory import pin_memory

from mmmaskformer.engine.position_seeding import seed_by_position

NAMES = ('gt_sem_seg', 'gt_panoptic_seg')


def packed(index: int) -> dict:
    sample = SegDataSample(metainfo=dict(img_path=f'{index}.png'))
    for name in NAMES:
        sample.set_data({name: PixelData(data=torch.full((1, 2, 3), index))})
    sample.set_field([dict(id=1, category_id=index)], 'gt_segments_info')
    return dict(inputs=torch.full((3, 2, 3), index), data_samples=sample)


@pytest.fixture
def pinned(monkeypatch) -> list[torch.Tensor]:
    """What is pinned, on a machine that cannot: copies stand for pinned memory."""
    copies: list[torch.Tensor] = []

    def pin(tensor):
        copies.append(tensor.clone())
        return copies[-1]

    monkeypatch.setattr(torch.Tensor, 'pin_memory', pin)
    return copies


def batch_of(pin: bool) -> dict:
    loader = DataLoader([packed(1), packed(2)], batch_size=2, collate_fn=pseudo_collate, pin_memory=pin)
    return next(iter(seed_by_position(loader, 0, endless=False)))


@pytest.mark.filterwarnings("ignore:'pin_memory' argument")
def test_images_and_ground_truth_are_pinned(pinned):
    batch = pin_memory(batch_of(pin=True))  # what PyTorch's loader does where there is a GPU
    tensors = [*batch['inputs'], *(s.get(name).data for s in batch['data_samples'] for name in NAMES)]
    assert len(pinned) == 6
    assert all(any(tensor is copy for copy in pinned) for tensor in tensors)
    assert [tensor.unique().item() for tensor in tensors] == [1, 2, 1, 1, 2, 2]
    assert type(batch) is dict
    for index, sample in enumerate(batch['data_samples'], start=1):
        assert sample.img_path == f'{index}.png'
        assert sample.gt_segments_info == [dict(id=1, category_id=index)]


def test_batches_stay_plain_without_pinned_memory():
    assert type(batch_of(pin=False)) is dict
