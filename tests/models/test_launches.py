"""Upper bounds of what a step asks of a GPU: more waits, or more launches, turn a test red."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from detr_models import HEAD as DETR
from launch_counts import counted, tagged
from mask2former_models import HEAD as MASK2FORMER
from mmengine.config import ConfigDict
from small_models import HEAD, images, panoptic_images, small_model
from torch import nn

CLASSES = dict(classes=tuple('abcd'), thing_classes=('a', 'b'))
PER_PIXEL = dict(in_channels=HEAD['in_channels'], num_classes=4, pixel_decoder=HEAD['pixel_decoder'])
# Most waits: for targets and for matching, whatever the number of images; and most operators
HEADS = {
    'Mask2Former': (MASK2FORMER, panoptic_images, 2, 2400),
    'DETR': (DETR, panoptic_images, 2, 1900),
    'semantic': (HEAD, images, 2, 1000),
    'panoptic': (HEAD, panoptic_images, 2, 1000),
    'per-pixel': (dict(PER_PIXEL, type='mmmaskformer.PerPixelBaselineHead'), images, 1, 600),
    'MaX-DeepLab': (
        dict(HEAD, type='mmmaskformer.MaXDeepLabHead', embedding_channels=6),
        panoptic_images,
        3,
        1500,
    ),
}
PANOPTIC, INSTANCE = dict(score_thr=0.0, overlap_thr=0.1), dict(max_per_image=9)
TASKS = {
    'labels': dict(seg_logits=False),
    'scores': dict(),
    'general': dict(semantic='general', seg_logits=False, general=dict(overlap_thr=0.1)),
    'panoptic': dict(semantic=False, panoptic=PANOPTIC),
    'instance': dict(semantic=False, instance=INSTANCE),
    'all': dict(seg_logits=False, panoptic=PANOPTIC, instance=INSTANCE),
}


@pytest.mark.parametrize('head', HEADS)
def test_training_step(head):
    config, batch, most_waits, most_operators = HEADS[head]
    model = small_model(decode_head=config).train()
    batch = tagged(batch((64, 96), (64, 96), (64, 96)))
    with counted() as (operators, waits):
        data = model.data_preprocessor(batch, training=True)
        total, _ = model.parse_losses(model.loss(data['inputs'], data['data_samples']))
        total.backward()
    assert sum(waits.values()) <= most_waits, waits
    assert sum(operators.counts.values()) <= most_operators, operators.counts.most_common(20)
    assert not operators.doubles


PREDICTING = {'MaskFormer': (HEAD, TASKS), 'Mask2Former': (MASK2FORMER, TASKS), 'DETR': (DETR, ('all',))}


@cache
def predicting(head: str) -> nn.Module:
    model = small_model(decode_head=PREDICTING[head][0])
    model.dataset_meta = CLASSES
    with torch.no_grad():
        model.decode_head.class_embed.bias[-1] -= 5
    return model


@pytest.mark.parametrize(
    ('head', 'task'), [(h, task) for h, (_, tasks) in PREDICTING.items() for task in tasks]
)
def test_prediction(head, task):
    model = predicting(head)
    detr = dict(panoptic=dict(score_thr=0.0)) if head == 'DETR' else {}  # it has no overlap_thr
    model.test_cfg = ConfigDict(mode='whole', **{**TASKS[task], **detr})
    batch = tagged(images(*[(64, 96)] * 3))
    with torch.no_grad(), counted() as (operators, waits):
        model.test_step(batch)
    assert sum(waits.values()) <= 3, waits
    assert not operators.doubles
