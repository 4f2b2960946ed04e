"""Mask2Former's checkpoints of other code bases: read, written, loaded as they are, and refused."""

from __future__ import annotations

import json
import pickle

import pytest
import torch
from golden_outputs import assert_parity, golden_config, golden_model, golden_path
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint
from mmseg.structures import SegDataSample

from mmmaskformer.checkpoints import (
    build_model,
    convert_checkpoint,
    load_strictly,
    read_checkpoint,
    read_state_dict,
)
from mmmaskformer.checkpoints.config_of_checkpoint import shapes_of_config, shapes_of_state
from mmmaskformer.checkpoints.exporting import huggingface_config
from mmmaskformer.checkpoints.formats import to_our_names
from mmmaskformer.registry import MODELS

CHANNELS = 64
PARTS = {'mmseg': 'decode_head', 'mmdet': 'panoptic_head'}


def our_config(kind: str) -> ConfigDict:
    config = golden_config('m2f_panoptic_r')
    config.model.decode_head.pixel_decoder.mask_channels = CHANNELS
    return config


def foreign_head(kind: str) -> torch.nn.Module:
    """mmdet's head in the sizes of the golden model, with random weights; mmseg's inherits it."""
    init_default_scope('mmseg')
    attention = dict(embed_dims=CHANNELS, num_heads=4, dropout=0.0, batch_first=True)
    network = dict(embed_dims=CHANNELS, num_fcs=2, ffn_drop=0.0, act_cfg=dict(type='ReLU', inplace=True))
    positions = dict(num_feats=CHANNELS // 2, normalize=True)
    encoder_attention = dict(
        embed_dims=CHANNELS, num_heads=4, num_levels=3, num_points=4, dropout=0.0, batch_first=True
    )
    encoder = dict(
        num_layers=2,
        layer_cfg=dict(self_attn_cfg=encoder_attention, ffn_cfg={**network, 'feedforward_channels': 56}),
    )
    pixel_decoder = dict(
        type='mmdet.MSDeformAttnPixelDecoder',
        num_outs=3,
        norm_cfg=dict(type='GN', num_groups=32),
        act_cfg=dict(type='ReLU'),
        encoder=encoder,
        positional_encoding=positions,
    )
    layer = dict(
        self_attn_cfg=attention,
        cross_attn_cfg=attention,
        ffn_cfg={**network, 'feedforward_channels': 48},
    )
    classes = dict(num_classes=5) if kind == 'mmseg' else dict(num_things_classes=3, num_stuff_classes=2)
    head = dict(
        type=f'{kind}.Mask2FormerHead',
        in_channels=[16, 32, 64, 128],
        strides=[4, 8, 16, 32],
        feat_channels=CHANNELS,
        out_channels=CHANNELS,
        num_queries=9,
        num_transformer_feat_level=3,
        pixel_decoder=pixel_decoder,
        positional_encoding=positions,
        transformer_decoder=dict(return_intermediate=True, num_layers=4, layer_cfg=layer, init_cfg=None),
        loss_cls=dict(type='mmdet.CrossEntropyLoss', class_weight=[1.0] * 5 + [0.1]),
        loss_mask=dict(type='mmdet.CrossEntropyLoss', use_sigmoid=True),
        loss_dice=dict(type='mmdet.DiceLoss', activate=True),
        **classes,
    )
    return MODELS.build(ConfigDict(head)).eval()


def foreign_state(kind: str, head: torch.nn.Module) -> dict[str, torch.Tensor]:
    own = golden_model('m2f_panoptic_r').backbone.state_dict()
    state = {f'backbone.{key}': tensor for key, tensor in own.items()}
    return {**state, **{f'{PARTS[kind]}.{key}': tensor for key, tensor in head.state_dict().items()}}


@pytest.fixture(params=['mmseg', 'mmdet'])
def kind(request) -> str:
    return request.param


def test_outputs_of_openmmlab(kind, tmp_path):
    head = foreign_head(kind)
    torch.save(dict(state_dict=foreign_state(kind, head), meta={}), tmp_path / 'theirs.pth')
    found = read_checkpoint(tmp_path / 'theirs.pth')
    title = {'mmseg': 'MMSegmentation Mask2Former', 'mmdet': 'MMDetection Mask2Former'}[kind]
    assert found.format.title == title
    assert shapes_of_state(found.state) == shapes_of_config(our_config(kind))
    model = build_model(our_config(kind)).eval()
    load_strictly(model, found.state, 'theirs', found)
    with torch.no_grad():
        features = model.extract_feat(torch.randn(2, 3, 64, 96))
        meta = dict(img_shape=(64, 96), batch_input_shape=(64, 96))
        classes, masks = head(list(features), [SegDataSample(metainfo=meta)] * 2)
        ours = model.decode_head(features)
    assert len(ours) == len(classes) == 5
    for i, layer in enumerate(ours):
        assert_parity(layer.class_logits, classes[i].numpy(), f'classes {i}', 1e-4)
        assert_parity(layer.mask_logits, masks[i].numpy(), f'masks {i}', 1e-4)


def test_names_of_earlier_releases_of_openmmlab(kind):
    state = foreign_state(kind, foreign_head(kind))
    older = {}
    for name, tensor in state.items():
        old = name.replace('.ffn.', '.ffns.0.').replace('.cross_attn.', '.attentions.0.')
        deeper = '.attentions.0.' if '.encoder.' in old else '.attentions.1.'
        older[old.replace('.self_attn.', deeper)] = tensor
    assert older.keys() != state.keys()
    current, converted = (to_our_names(names, 'file').state for names in (state, older))
    assert current.keys() == converted.keys()
    assert all(torch.equal(current[name], tensor) for name, tensor in converted.items())


def test_shapes_of_the_official_checkpoint():
    state = read_checkpoint(golden_path('m2f_panoptic_r.pkl')).state
    assert shapes_of_state(state) == shapes_of_config(golden_config('m2f_panoptic_r'))


def test_official_file_loads_as_it_is():
    model = build_model(golden_config('m2f_panoptic_r'))
    load_checkpoint(model, str(golden_path('m2f_panoptic_r.pkl')), map_location='cpu')
    expected = read_checkpoint(golden_path('m2f_panoptic_r.pkl')).state
    own = model.state_dict()
    assert all(torch.equal(own[key], tensor) for key, tensor in expected.items())


def test_earlier_official_names_and_what_is_written(tmp_path):
    """The official code adds ``pixel_decoder.`` itself to what it reads from a plain file."""
    path, config = golden_path('m2f_panoptic_r.pkl'), golden_config('m2f_panoptic_r')
    state = read_state_dict(path)
    earlier = {
        name.replace('.pixel_decoder.', '.').replace('.query_feat.', '.static_query.'): tensor
        for name, tensor in state.items()
    }
    current, converted = (to_our_names(names, 'file').state for names in (state, earlier))
    assert all(torch.equal(current[name], tensor) for name, tensor in converted.items())
    convert_checkpoint(path, tmp_path / 'ours.pth', config)
    convert_checkpoint(tmp_path / 'ours.pth', tmp_path / 'theirs.pkl', config, to='official')
    written = pickle.loads((tmp_path / 'theirs.pkl').read_bytes())['model']
    assert written.keys() == {key.replace('.static_query.', '.query_feat.') for key in earlier} | {
        'criterion.empty_weight'
    }
    again = to_our_names({key: torch.from_numpy(value) for key, value in written.items()}, 'file').state
    assert all(torch.equal(again[name], tensor) for name, tensor in current.items() if name in again)
    assert again.keys() >= {name for name in current if name.startswith('decode_head.')}


@pytest.mark.parametrize('name', ['query_feat.weight', 'decoder_norm.bias'])
def test_refusals(name):
    state = read_state_dict(golden_path('m2f_panoptic_r.pkl'))
    full = f'sem_seg_head.predictor.{name}'
    with pytest.raises(ValueError, match=r'holds .*more\.weight., which no rule'):
        to_our_names({**state, 'sem_seg_head.predictor.more.weight': torch.ones(1)}, 'file')
    found = to_our_names({**state, full: torch.ones(3)}, 'file')
    with pytest.raises(ValueError, match=rf"file does not fit.*'{full}' .* shape"):
        load_strictly(build_model(golden_config('m2f_panoptic_r')), found.state, 'file', found)
    model = build_model(golden_config('m2f_panoptic_r'))
    without = {key: tensor for key, tensor in state.items() if key != full}
    if '.query_feat.' not in full:  # by which the format is recognized
        with pytest.raises(ValueError, match=f"lacks '{full}'"):
            model.load_state_dict(without, strict=False)


def test_huggingface_both_ways(tmp_path):
    name = 'hf_mask2former_swin'
    config, golden = golden_config(name), golden_path(name)
    convert_checkpoint(golden, tmp_path / 'ours.pth', config)
    convert_checkpoint(tmp_path / 'ours.pth', tmp_path / 'theirs', config, to='huggingface')
    state, written = read_state_dict(golden), read_state_dict(tmp_path / 'theirs')
    assert state.keys() == written.keys()
    assert all(torch.equal(written[key], tensor) for key, tensor in state.items())
    theirs = json.loads((golden / 'config.json').read_text())
    ours = json.loads((tmp_path / 'theirs' / 'config.json').read_text())
    for key, value in ours.items():
        if key == 'backbone_config':
            assert {part: theirs[key].get(part) for part in value} == value
        elif key != 'torch_dtype':  # called dtype by some releases
            assert theirs[key] == value, key


def test_what_huggingface_does_not_have():
    model = golden_model('m2f_panoptic_r')
    model.decode_head.transformer_decoder.input_projs[0] = torch.nn.Conv2d(64, 64, 1)
    with pytest.raises(ValueError, match='has no input projections of the transformer decoder'):
        huggingface_config(model)
