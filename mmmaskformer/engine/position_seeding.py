"""Seeds that are a function of position: a sample's number in the run, and the iteration.

A resumed run then draws the random numbers of an uninterrupted one, without saved generator states and with
any number of data workers.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.dist import get_dist_info
from torch.utils.data import DataLoader, Dataset

from .pinning import pinnable

ORDER, SAMPLE, STEP = range(3)  # first number of each key


def set_seeds(*key: int, devices: bool = False) -> None:
    """Seed Python, NumPy and PyTorch from a tuple of numbers: no two tuples share a stream.

    Args:
        key: Any non-negative integers.
        devices: Seed PyTorch's generators of accelerators too, not only the CPU's.
    """
    words = np.random.SeedSequence(key).generate_state(4)
    number = int.from_bytes(words.tobytes(), 'little')
    random.seed(number)
    np.random.seed(words)
    seed = torch.manual_seed if devices else torch.default_generator.manual_seed
    seed(number & 0xFFFF_FFFF_FFFF_FFFF)


class Position(NamedTuple):
    """A sample's position in the run: epoch, number in the epoch over all processes, and index."""

    epoch: int
    number: int
    index: Any


class PositionSeededDataset(Dataset):
    """A data set that is indexed by :class:`Position`, and seeds all generators before loading the sample.

    Reading and setting attributes is forwarded to the wrapped data set.
    """

    __getitems__ = None  # or PyTorch would call that of the wrapped data set, which expects indices

    def __init__(self, dataset: Any, seed: int) -> None:
        self.__dict__.update(dataset=dataset, _positions_seed=seed)

    def __getattr__(self, name: str) -> Any:
        if name.startswith('__') or name == 'dataset':  # looked up by unpickling before `dataset` is set
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.dataset, name, value)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, position: Position) -> Any:
        set_seeds(self._positions_seed, SAMPLE, position.epoch, position.number)
        return self.dataset[position.index]


class PositionBatches:
    """The batches of a batch sampler as positions, beginning at the resumed batch.

    Args:
        batches: The batch sampler.
        seed: Seed of the run.
        endless: Repeat the sampler endlessly, as iteration-based training does.
        epoch: The first epoch of training by epochs.
        done: Batches of that epoch, or of the endless run, that the model has seen: only their indices are
            drawn, no sample is loaded.
    """

    def __init__(self, batches: Any, seed: int, endless: bool, epoch: int = 0, done: int = 0) -> None:
        self.batches = batches
        self.sampler: Any = getattr(batches, 'sampler', None)  # MMEngine calls its set_epoch
        self.seed = seed
        self.endless = endless
        self.epoch = epoch
        self.done = done

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[list[Position]]:
        done, self.done = self.done, 0  # not in __init__: PyTorch creates an iterator that it never uses
        epochs: Iterable[int] = itertools.count() if self.endless else [self.epoch]
        self.epoch += 1
        yield from itertools.islice(itertools.chain.from_iterable(map(self._of_epoch, epochs)), done, None)

    def _of_epoch(self, epoch: int) -> Iterator[list[Position]]:
        set_seeds(self.seed, ORDER, epoch)  # for samplers that draw from PyTorch's own generator
        if hasattr(self.sampler, 'set_epoch'):
            self.sampler.set_epoch(epoch)
        numbers = itertools.count(*get_dist_info())  # rank, rank + world size, ...
        batch = None
        for batch in self.batches:
            yield [Position(epoch, next(numbers), index) for index in batch]
        if self.endless and batch is None:
            raise ValueError(
                'The training data give no batch: drop_last=True needs at least batch_size samples.'
            )


def seed_by_position(
    loader: DataLoader, seed: int, endless: bool, epoch: int = 0, done: int = 0
) -> DataLoader:
    """The same data loader, seeded by position; the arguments are those of :class:`PositionBatches`.

    Raises:
        ValueError: The loader has no batch sampler (``batch_size=None``, or an iterable data set).
    """
    batches: Any = loader.batch_sampler
    dataset = loader.dataset
    if isinstance(dataset, PositionSeededDataset):  # trained before
        batches, dataset = batches.batches, dataset.dataset
    if batches is None or isinstance(dataset, torch.utils.data.IterableDataset):
        raise ValueError(
            'ExactResumeHook needs a train_dataloader with a batch_size and a data set that is indexed.'
        )
    _restart(getattr(batches, 'sampler', None), seed)
    copied = ['num_workers', 'pin_memory', 'timeout', 'worker_init_fn', 'generator']
    copied += ['multiprocessing_context', 'prefetch_factor', 'persistent_workers', 'pin_memory_device']
    return DataLoader(
        PositionSeededDataset(dataset, seed),
        batch_sampler=PositionBatches(batches, seed, endless, epoch, done),
        collate_fn=pinnable(loader.collate_fn) if loader.pin_memory else loader.collate_fn,
        **{name: getattr(loader, name) for name in copied},
    )


def _restart(sampler: Any, seed: int) -> None:
    """Restart a sampler: data workers have drawn indices before training, possibly with another seed.

    Without a configured seed, the seed comes from the checkpoint, which is read after the loader was built.
    """
    if hasattr(sampler, 'seed'):
        sampler.seed = seed
    if hasattr(sampler, '_indices_of_rank'):  # InfiniteSampler of MMEngine, and those made after it
        sampler.indices = sampler._indices_of_rank()
