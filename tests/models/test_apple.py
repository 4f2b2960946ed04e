"""Operators of training and prediction exist on Apple's GPUs (MPS) by PyTorch's list; none is in float64."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
import torch
from launch_counts import counted
from mask2former_models import HEAD as MASK2FORMER
from mmengine.config import ConfigDict
from small_models import HEAD, images, panoptic_images, small_model

# Chosen by device inside of PyTorch: MPS has attention of its own.
ONLY_ON_CPUS = {
    '_scaled_dot_product_flash_attention_for_cpu',
    '_scaled_dot_product_flash_attention_for_cpu_backward',
}
# Gradients that PyTorch computes on the CPU with PYTORCH_ENABLE_MPS_FALLBACK=1 (docs/gpu.md).
FALLBACK = {'native_group_norm_backward', 'grid_sampler_2d_backward'}
ALL_TASKS = dict(
    panoptic=dict(score_thr=0.0, overlap_thr=0.1),
    instance=dict(max_per_image=9),
    semantic='general',
    general={},
)


@cache
def operators_of_mps() -> set[str]:
    """Operators with an MPS kernel, or made of others."""
    torchgen = pytest.importorskip('torchgen')
    path = Path(torchgen.__file__).parent / 'packaged/ATen/native/native_functions.yaml'
    if not path.is_file():
        pytest.skip(f'this PyTorch has no {path}')
    entries = re.split(r'^- func: ', path.read_text(), flags=re.MULTILINE)[1:]
    delegates, found = {}, set()
    for entry in entries:
        name = entry.split('(', 1)[0]
        delegate = re.search(r'structured_delegate: (\S+)', entry)
        if delegate:
            delegates[name] = delegate[1]
        kernels = re.findall(r'^    ([\w, ]+):', entry.partition('dispatch:')[2], flags=re.MULTILINE)
        keys = {key.strip() for line in kernels for key in line.split(',')}
        if (
            keys & {'MPS', 'CompositeExplicitAutograd', 'CompositeImplicitAutograd'}
            or 'dispatch:' not in entry
        ):
            found.add(name)
        if 'CompositeExplicitAutogradNonFunctional' in keys:
            found.add(name)
    lacking = {name for name, target in delegates.items() if target not in found}
    return (found - lacking) | {name for name, target in delegates.items() if target in found}


def missing_on_mps(counts: dict) -> set[str]:
    return {name for name in counts if name not in operators_of_mps()} - ONLY_ON_CPUS


MODELS = {
    'MaskFormer': lambda: small_model(decode_head=HEAD),
    'MaX-DeepLab': lambda: small_model(
        decode_head=dict(HEAD, type='mmmaskformer.MaXDeepLabHead', embedding_channels=6)
    ),
    'Mask2Former': lambda: small_model(decode_head=MASK2FORMER),
}


@pytest.mark.parametrize('name', MODELS)
def test_training(name):
    model = MODELS[name]().train()
    with counted() as (operators, _):
        data = model.data_preprocessor(panoptic_images((64, 96)), training=True)
        total, _ = model.parse_losses(model.loss(data['inputs'], data['data_samples']))
        total.backward()
    assert missing_on_mps(operators.counts) <= FALLBACK
    assert not operators.doubles


@pytest.mark.parametrize('name', MODELS)
def test_prediction(name):
    model = MODELS[name]()
    model.dataset_meta = dict(classes=tuple('abcd'), thing_classes=('a', 'b'))
    settings = {k: v for k, v in ALL_TASKS.items() if name != 'MaX-DeepLab' or k != 'panoptic'}
    model.test_cfg = ConfigDict(mode='whole', **settings)
    with torch.no_grad(), counted() as (operators, _):
        model.test_step(images((64, 96)))
    assert not missing_on_mps(operators.counts)
    assert not operators.doubles


def test_the_check_can_fail():
    with counted() as (operators, _):
        torch.linalg.eigvals(torch.eye(2, dtype=torch.float64))
    assert missing_on_mps(operators.counts) == {'linalg_eig'}
    assert 'linalg_eig' in operators.doubles
