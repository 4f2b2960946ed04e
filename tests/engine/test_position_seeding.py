"""What is drawn depends on the position in the run alone."""

from __future__ import annotations

import itertools
import pickle
import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.dataset import DefaultSampler, InfiniteSampler
from mmengine.optim import OptimWrapper
from torch.utils.data import BatchSampler, DataLoader, Dataset, IterableDataset, RandomSampler

from mmmaskformer.engine import ExactResumeHook, position_seeding
from mmmaskformer.engine.position_seeding import (
    Position,
    PositionBatches,
    PositionSeededDataset,
    seed_by_position,
    set_seeds,
)

SAMPLERS = {
    'infinite': lambda data: InfiniteSampler(data, seed=5),
    'default': lambda data: DefaultSampler(data, seed=5),
    'random': RandomSampler,
}


class Draws(Dataset):
    """A sample is its index and what every generator gives."""

    metainfo = {'classes': ('a',)}

    def __len__(self):
        return 7

    def __getitem__(self, index):
        return index, random.random(), np.random.rand(), torch.rand(()).item()


def first(batches, number):
    return list(itertools.islice(batches, number))


def loader(sampler='infinite', workers=0, **options):
    data = Draws()
    return DataLoader(
        data, batch_size=2, sampler=SAMPLERS[sampler](data), num_workers=workers, collate_fn=list, **options
    )


def draws():
    return random.random(), np.random.rand(), torch.rand(()).item()


def test_seeds_decide_every_generator():
    set_seeds(1, 2, 3)
    one = draws()
    set_seeds(1, 2, 3)
    assert draws() == one
    for other in [(1, 2, 4), (2, 1, 3), (1, 2), (1, 2, 3, 1)]:
        set_seeds(*other)
        assert not set(draws()) & set(one)


@pytest.mark.parametrize('sampler', SAMPLERS)
@pytest.mark.parametrize('done', [1, 3, 4, 9])
def test_it_goes_on_where_it_was_cut_off(sampler, done):
    """A pass over the data has four batches: nine lie in the third one."""
    whole = first(seed_by_position(loader(sampler), 3, endless=True), 12)
    torch.manual_seed(done)  # other states of the generators
    rest = first(seed_by_position(loader(sampler), 3, endless=True, done=done), 12 - done)
    assert rest == whole[done:]
    assert len({sample[1:] for batch in whole for sample in batch}) == sum(map(len, whole))


def test_skipped_samples_are_not_loaded(monkeypatch):
    asked = []
    monkeypatch.setattr(Draws, '__getitem__', lambda self, index: asked.append(index))
    first(seed_by_position(loader(), 3, endless=True, done=1000), 2)
    assert len(asked) == 4


def test_the_number_of_workers_does_not_matter():
    """Workers have taken indices before training begins, as MMEngine's loops have them do."""
    inside = first(seed_by_position(loader(), 3, endless=True, done=2), 6)
    by_workers = loader(workers=2, worker_init_fn=torch.manual_seed, persistent_workers=True)
    started = iter(by_workers)
    next(started)
    del started
    assert first(seed_by_position(by_workers, 3, endless=True, done=2), 6) == inside


def test_order_is_that_of_the_sampler():
    numbered = first(seed_by_position(loader(), 5, endless=True), 8)
    assert [[sample[0] for sample in batch] for batch in numbered] == first(loader().batch_sampler, 8)


def test_a_seed_learned_late_reaches_the_sampler():
    late = DataLoader(Draws(), batch_size=2, sampler=InfiniteSampler(Draws(), seed=99), collate_fn=list)
    assert first(seed_by_position(late, 5, True), 8) == first(seed_by_position(loader(), 5, True), 8)


def test_epochs_one_by_one():
    whole = seed_by_position(loader('default'), 3, endless=False)
    epochs = [list(whole) for _ in range(3)]
    assert [len(epoch) for epoch in epochs] == [4, 4, 4]
    assert epochs[0] != epochs[1] != epochs[2]
    rest = seed_by_position(loader('default'), 3, endless=False, epoch=1, done=3)
    assert [list(rest), list(rest)] == [epochs[1][3:], epochs[2]]


def test_processes_share_the_numbers(monkeypatch):
    """Two processes with batches of two draw what one draws with batches of four."""

    def numbers(rank, world_size, batch_size):
        monkeypatch.setattr(position_seeding, 'get_dist_info', lambda: (rank, world_size))
        indices = range(rank, 8, world_size)
        batches = PositionBatches(BatchSampler(indices, batch_size, False), 3, endless=False)
        return {(position.number, position.index) for batch in batches for position in batch}

    assert numbers(0, 1, 4) == numbers(0, 2, 2) | numbers(1, 2, 2) == {(i, i) for i in range(8)}


def test_the_data_set_shows_through():
    data = PositionSeededDataset(Draws(), 3)
    assert data.metainfo == {'classes': ('a',)}
    data.pipeline = 'another'  # as hooks of MMDetection do
    assert data.dataset.pipeline == 'another'
    assert not hasattr(data, 'unknown')
    again = pickle.loads(pickle.dumps(data))
    assert again[Position(0, 1, 2)] == data[Position(0, 1, 2)]


def test_training_a_second_time():
    once = seed_by_position(loader(), 3, endless=True)
    first(once, 5)
    again = seed_by_position(once, 3, endless=True)
    assert isinstance(again.dataset.dataset, Draws)
    assert first(again, 5) == first(seed_by_position(loader(), 3, endless=True), 5)


class SkippingIterator:
    """OneDL's: what was seen is skipped by one call, or not at all."""

    def skip_iter(self, num_iters): ...


@pytest.mark.parametrize(('iterator', 'calls'), [(object(), 4), (SkippingIterator(), 0)])
def test_loops_skip_what_was_seen_in_two_ways(iterator, calls):
    loop = SimpleNamespace(iter=4, dataloader=loader(), dataloader_iterator=iterator)
    wrapper = OptimWrapper(torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1))
    ExactResumeHook().before_train(SimpleNamespace(train_loop=loop, seed=3, iter=4, optim_wrapper=wrapper))
    assert [next(loop.dataloader_iterator) for _ in range(calls)] == [None] * calls
    loop.dataloader_iterator.skip_iter(4)
    expected = first(seed_by_position(loader(), 3, endless=True), 6)[4:]
    assert [next(loop.dataloader_iterator) for _ in range(2)] == expected


class Stream(IterableDataset):
    def __iter__(self):
        return iter(range(3))


@pytest.mark.parametrize('data', [DataLoader(Stream()), DataLoader(Draws(), batch_size=None)])
def test_data_without_indices(data):
    with pytest.raises(ValueError, match='ExactResumeHook needs a train_dataloader with a batch_size'):
        seed_by_position(data, 3, endless=True)


def test_no_batch_at_all():
    few = DataLoader(Draws(), batch_size=8, drop_last=True)
    with pytest.raises(ValueError, match='give no batch'):
        next(iter(seed_by_position(few, 3, endless=True)))
