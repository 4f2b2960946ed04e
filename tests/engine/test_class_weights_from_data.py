"""Class weights that need the training data: set before training, by name or from frequencies."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.registry import DATASETS
from torch import nn

from mmmaskformer.engine import CheckDatasetHook, class_weights_from_data
from mmmaskformer.models import NoObjectCrossEntropyLoss
from mmmaskformer.models.losses import ClassWeights

sys.path.insert(0, str(Path(__file__).parents[1] / 'datasets'))
from label_maps import write_label_maps


def train(dataset, *losses):
    model = nn.Module()
    model.decode_head = nn.Module()
    model.decode_head.losses, model.decode_head.num_classes = nn.ModuleList(losses), 4
    loader = SimpleNamespace(dataset=dataset)
    CheckDatasetHook().before_train(SimpleNamespace(model=model, train_dataloader=loader, val_loop=None))


def values(weights) -> list[float]:
    return weights(4, torch.device('cpu')).tolist()


def test_names(tmp_path):
    loss = NoObjectCrossEntropyLoss(class_weight=dict(car=3, sky=0.5))
    train(DATASETS.build(write_label_maps(tmp_path)), loss)
    assert values(loss.class_weights) == pytest.approx([0.5, 1, 3, 1, 0.1])
    with pytest.raises(ValueError, match=r"class_weight has 'cat', which is not a class .*'sky', 'road'"):
        train(DATASETS.build(write_label_maps(tmp_path)), NoObjectCrossEntropyLoss(class_weight=dict(cat=3)))


def test_frequencies(tmp_path, monkeypatch):
    """Segments 4, 2, 1, 0; pixels 29, 9, 6, 0."""
    loss, pixels = (
        NoObjectCrossEntropyLoss(class_weight='inverse_sqrt'),
        ClassWeights('inverse_sqrt', (), True),
    )
    logged = []
    monkeypatch.setattr(
        class_weights_from_data, 'print_log', lambda text, *level: logged.append((text, *level))
    )
    train(DATASETS.build(write_label_maps(tmp_path)), loss, pixels)
    factor = 7 / (2 + 2**0.5 + 1)
    assert values(loss.class_weights) == pytest.approx([factor / 2, factor / 2**0.5, factor, 1, 0.1])
    factor = 44 / (29**0.5 + 3 + 6**0.5)
    assert values(pixels) == pytest.approx([factor / 29**0.5, factor / 3, factor / 6**0.5, 1])
    warnings = [text for text, _, *level in logged if level == [logging.WARNING]]
    assert len(warnings) == 2
    assert warnings[0].endswith('1 of 4 classes never occur in the training data and weigh 1: dog.')


def test_repeated_images_count_as_often_as_they_come(tmp_path):
    loss = NoObjectCrossEntropyLoss(class_weight='inverse_sqrt')
    config = dict(type='ClassBalancedDataset', oversample_thr=1.0, dataset=write_label_maps(tmp_path))
    train(DATASETS.build(config), loss)
    factor = 12 / (6**0.5 + 2 + 2**0.5)  # segments 6, 4, 2
    assert values(loss.class_weights)[:3] == pytest.approx([factor / 6**0.5, factor / 2, factor / 2**0.5])
