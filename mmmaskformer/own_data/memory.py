"""The batch that fits into the memory of a GPU: tried, not guessed."""

from __future__ import annotations

from collections.abc import Callable

import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import DATASETS, MODELS, init_default_scope


def largest_batch(step: Callable[[int], None], wanted: int) -> int:
    """The largest of ``wanted``, half of it, a quarter, ... for which a step has enough memory.

    Args:
        step: Trains on a batch of this size once; raises ``torch.cuda.OutOfMemoryError``.
        wanted: Images in a batch.

    Raises:
        ValueError: Not even one image fits.
    """
    batch_size = wanted
    while batch_size >= 1:
        try:
            step(batch_size)
            return batch_size
        except torch.cuda.OutOfMemoryError:
            batch_size //= 2
        torch.cuda.empty_cache()
    raise ValueError(
        'The memory of the GPU does not suffice for a single image: choose a smaller --model, or smaller '
        'images and crops in the config.'
    )


def batch_that_fits(cfg: Config, wanted: int) -> int:
    """Try training steps of a config on the GPU, with an optimizer that needs as much memory as its own."""
    return largest_batch(training_step(cfg, 'cuda'), wanted)


def training_step(cfg: Config, device: str) -> Callable[[int], None]:
    """A function that trains on a batch of the size it is given, without changing the weights."""
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    model = MODELS.build(cfg.model).to(torch.device(device)).train()
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.0)

    def step(batch_size: int) -> None:
        batch = pseudo_collate([dataset[place % len(dataset)] for place in range(batch_size)])
        data = model.data_preprocessor(batch, True)
        loss, _ = model.parse_losses(model(**data, mode='loss'))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step
