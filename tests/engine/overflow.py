"""A run whose mask embedding overflows in the first step, and what `FiniteLossHook` leaves of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from small_models import HEAD, images, model_config
from tiny_model import LOADER
from torch import nn

from mmmaskformer.checkpoints import build_model
from mmmaskformer.engine import FiniteLossHook, NonFiniteLossError


class LabelledImages(torch.utils.data.Dataset):
    """Small images with label maps."""

    def __init__(self):
        self.batches = [images((64, 96)) for _ in range(2)]

    def __len__(self):
        return 2

    def __getitem__(self, index):
        (image,), (sample,) = self.batches[index].values()
        sample.set_metainfo(dict(img_path=f'/images/{index}.png', scale_factor=(1.0, 2.0)))
        return dict(inputs=image, data_samples=sample)


def settings_of_model(dropout: float = 0.3) -> dict:
    head = dict(transformer_decoder=dict(HEAD['transformer_decoder'], dropout=dropout))
    return dict(model=model_config(decode_head=head), default_scope='mmseg')


def record_of_overflow(folder: Path, wrapper: str, dropout: float = 0.3) -> tuple[Path, Runner]:
    """The classes are fine, and every mask loss is named."""
    settings = settings_of_model(dropout)
    model = build_model(Config(settings))
    nn.init.constant_(model.decode_head.mask_embed[-1].weight, 3e38)
    name = str(folder).replace('/', '_')
    runner = Runner(
        model,
        str(folder),
        train_dataloader=dict(LOADER, dataset=LabelledImages()),
        train_cfg=dict(by_epoch=True, max_epochs=1),
        optim_wrapper=dict(type=wrapper, optimizer=dict(type='AdamW', lr=1e-3)),
        custom_hooks=[FiniteLossHook()],
        default_hooks=dict(checkpoint=None),
        experiment_name=name,
        cfg=dict(settings, experiment_name=name),
    )
    with pytest.raises(NonFiniteLossError, match=r'Iteration 1: .*d0\.loss_mask = nan.*1\.png') as caught:
        runner.train()
    assert 'loss_cls' not in str(caught.value)
    (path,) = folder.glob('non_finite_loss_iter_1_rank_0.pth')
    return path, runner
