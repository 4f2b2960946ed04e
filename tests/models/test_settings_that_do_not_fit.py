"""Settings of a head that do not fit the backbone or the checkpoint: a sentence that names both."""

from __future__ import annotations

import re

import pytest
import torch
from mmengine.runner.checkpoint import load_state_dict
from small_models import HEAD, images, model_config, small_model

ENCODER = dict(
    HEAD['pixel_decoder'], type='mmmaskformer.TransformerEncoderPixelDecoder', num_layers=1, ffn_channels=16
)


@pytest.mark.parametrize('segmentor', ['mmmaskformer.MaskFormer', 'EncoderDecoder'])
@pytest.mark.parametrize('pixel_decoder', [HEAD['pixel_decoder'], ENCODER], ids=['fpn', 'encoder'])
@pytest.mark.parametrize('channels', [[8, 16, 32], [8, 16, 32, 64, 128], [8, 16, 32, 60]], ids=str)
def test_channels_of_the_backbone(segmentor, pixel_decoder, channels):
    model = small_model(segmentor, decode_head=dict(in_channels=channels, pixel_decoder=pixel_decoder))
    message = (
        f'decode_head.in_channels is {channels}, but the backbone gives features of [8, 16, 32, 64] channels'
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        model.test_step(images((64, 64)))


@pytest.mark.parametrize('segmentor', ['mmmaskformer.MaskFormer', 'EncoderDecoder'])
def test_other_number_of_queries(segmentor):
    """MMEngine warns, and goes on with random queries."""
    state = small_model(segmentor).state_dict()
    other = small_model(segmentor, decode_head=dict(num_queries=9))
    with pytest.raises(ValueError, match=r'has 7 queries, this model num_queries=9: set num_queries=7'):
        load_state_dict(other, dict(state))
    allowed = small_model(segmentor, decode_head=dict(num_queries=9, allow_class_mismatch=True))
    before = allowed.decode_head.transformer_decoder.query_embed.weight.clone()
    load_state_dict(allowed, dict(state))
    assert torch.equal(allowed.decode_head.transformer_decoder.query_embed.weight, before)
    assert torch.equal(allowed.decode_head.class_embed.weight, state['decode_head.class_embed.weight'])


@pytest.mark.parametrize('channels', [1, 2, 4])
def test_channels_of_the_image(channels):
    model = small_model()
    batch = dict(images((64, 64)))
    batch['inputs'] = [torch.zeros(channels, 64, 64)]
    with pytest.raises(ValueError, match=f'has {channels} channels?, but mean and std .* have 3'):
        model.test_step(batch)


def test_mean_and_std_of_different_length():
    preprocessor = dict(type='mmmaskformer.MaskFormerDataPreProcessor', mean=[1.0, 2.0], std=[1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match='mean has 2 numbers and std 3'):
        small_model(data_preprocessor=preprocessor)


@pytest.mark.parametrize('channels', [1, 4])
def test_channels_of_the_backbone_and_the_mean(channels):
    backbone = dict(model_config().backbone, in_channels=channels)
    with pytest.raises(ValueError, match=f'in_channels is {channels}, but .*mean and std have 3 numbers'):
        small_model(backbone=backbone)
    one = dict(type='mmmaskformer.MaskFormerDataPreProcessor', mean=[110.0], std=[40.0])
    model = small_model(backbone=backbone, data_preprocessor=one)
    batch = dict(images((64, 64)))
    batch['inputs'] = [torch.zeros(3, 64, 64)]
    with pytest.raises(ValueError, match=rf'has 3 channels, but backbone.in_channels is {channels}'):
        model.test_step(batch)
    batch['inputs'] = [torch.zeros(channels, 64, 64)]
    assert model.test_step(batch)[0].pred_sem_seg.data.shape == (1, 64, 64)
