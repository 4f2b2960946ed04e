"""EoMT's checkpoints of other code bases, and DINOv2's: read, written, loaded as they are, and refused."""

from __future__ import annotations

import json

import pytest
import torch
from golden_outputs import assert_parity, golden_config, golden_path
from mmengine.runner import load_checkpoint

from mmmaskformer.checkpoints import (
    build_model,
    convert_checkpoint,
    load_strictly,
    read_checkpoint,
    read_state_dict,
)
from mmmaskformer.checkpoints.config_of_checkpoint import shapes_of_config, shapes_of_state
from mmmaskformer.checkpoints.formats import to_our_names
from mmmaskformer.checkpoints.rules import restore
from mmmaskformer.checkpoints.tables import eomt, recognize
from mmmaskformer.functional.patch_resizing import resize_patch_kernel, resize_position_grid
from mmmaskformer.models import QueryVisionTransformer

NAME = 'hf_eomt'
FOLDER = f'{golden_path(NAME)}/'


def with_gates() -> dict:
    arch = dict(golden_config(NAME).model.backbone.arch, ffn_type='swiglu_fused')
    config = golden_config(NAME)
    config.model.backbone.arch = arch
    return build_model(config).state_dict()


def test_huggingface_there_and_back(tmp_path):
    """Every tensor, and every setting that HuggingFace does not have by default."""
    convert_checkpoint(golden_path(NAME), tmp_path / 'out', golden_config(NAME), to='huggingface')
    before, after = (read_state_dict(path) for path in (golden_path(NAME), tmp_path / 'out'))
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    theirs, ours = (
        json.loads((path / 'config.json').read_text()) for path in (golden_path(NAME), tmp_path / 'out')
    )
    defaults = {
        'dtype',
        'transformers_version',
        'attention_dropout',
        'hidden_dropout_prob',
        'drop_path_rate',
        'initializer_range',
        'layerscale_value',
    }
    assert {key: value for key, value in theirs.items() if key not in defaults} == {
        key: value for key, value in ours.items() if key != 'torch_dtype'
    }
    preparation = json.loads((tmp_path / 'out' / 'preprocessor_config.json').read_text())
    assert preparation['size'] == dict(shortest_edge=64, longest_edge=64)
    assert preparation['do_pad']
    assert not preparation['do_split_image']


def test_shapes_of_a_checkpoint_are_those_of_its_config():
    shapes = shapes_of_state(read_checkpoint(golden_path(NAME)).state)
    assert shapes == shapes_of_config(golden_config(NAME))
    assert shapes == ('QueryVisionTransformer', (4,), 32, 8, 'EoMTHead', 5, 9, 0, 2)


def test_direct_loading():
    model = build_model(golden_config(NAME))
    load_checkpoint(model, FOLDER, strict=True)
    state = read_checkpoint(golden_path(NAME)).state
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())


def test_lacking_and_unknown_tensors():
    state, model = read_state_dict(golden_path(NAME)), build_model(golden_config(NAME))
    with pytest.raises(ValueError, match=r"holds 'layers.9.norm.weight', which no rule of this format knows"):
        to_our_names({**state, 'layers.9.norm.weight': torch.ones(3)}, 'a file')
    del state['query.weight']
    found = to_our_names(state, 'a file')
    with pytest.raises(ValueError, match=r"it lacks 'query.weight' \('decode_head.query_embed.weight' in"):
        load_strictly(model, found.state, 'a file', found)
    config = golden_config(NAME)
    config.model.decode_head.num_query_blocks = config.model.backbone.num_query_blocks = 3
    state = read_state_dict(golden_path(NAME))
    found = to_our_names(state, 'a file')
    with pytest.raises(ValueError, match='set by num_query_blocks of backbone and decode_head'):
        load_strictly(build_model(config), found.state, 'a file', found)


@pytest.mark.parametrize('gated', [False, True])
def test_official(gated):
    """Names as in the published files: timm's backbone, which packs gates into ``fc1``."""
    ours = with_gates() if gated else read_checkpoint(golden_path(NAME)).state
    official = restore(ours, eomt.official_rules(ours))
    expected = {
        'network.q.weight': (9, 32),
        'network.attn_mask_probs': (2,),
        'network.mask_head.4.bias': (32,),
        'network.class_head.weight': (6, 32),
        'network.upscale.0.conv1.weight': (32, 32, 2, 2),
        'network.upscale.0.norm.weight': (32,),
        'network.encoder.backbone.reg_token': (1, 4, 32),
        'network.encoder.backbone.pos_embed': (1, 64, 32),
        'network.encoder.backbone.patch_embed.proj.weight': (32, 3, 8, 8),
        'network.encoder.backbone.blocks.3.attn.qkv.weight': (96, 32),
        'network.encoder.backbone.blocks.3.ls2.gamma': (32,),
        'network.encoder.backbone.blocks.3.mlp.fc1.weight': (96 if gated else 64, 32),
        'network.encoder.backbone.norm.weight': (32,),
    }
    assert {name: tuple(official[name].shape) for name in expected} == expected
    official['network.encoder.pixel_mean'] = official['network.encoder.pixel_std'] = torch.ones(1, 3, 1, 1)
    official['criterion.empty_weight'] = torch.ones(6)
    found = to_our_names(official, 'a file')
    assert found.format is eomt.OFFICIAL
    assert found.state.keys() == ours.keys()
    assert all(torch.equal(found.state[name], ours[name]) for name in ours)


def backbone_file(kind: str, grid: int, patch: int) -> dict[str, torch.Tensor]:
    """A backbone with the names of its authors or of timm."""
    shapes = {
        'cls_token': (1, 1, 32),
        'pos_embed': (1, grid * grid + (kind == 'dinov2'), 32),
        'register_tokens' if kind == 'dinov2' else 'reg_token': (1, 4, 32),
        **({'mask_token': (1, 32)} if kind == 'dinov2' else {}),
        'patch_embed.proj.weight': (32, 3, patch, patch),
        'patch_embed.proj.bias': (32,),
        'norm.weight': (32,),
        'norm.bias': (32,),
    }
    for i in range(4):
        block = {
            **{f'{part}.bias': (32,) for part in ('norm1', 'norm2', 'attn.proj', 'mlp.fc2')},
            **{f'{part}.weight': (32,) for part in ('norm1', 'norm2')},
            'ls1.gamma': (32,),
            'ls2.gamma': (32,),
            'attn.proj.weight': (32, 32),
            'attn.qkv.weight': (96, 32),
            'attn.qkv.bias': (96,),
            'mlp.fc1.weight': (64, 32),
            'mlp.fc1.bias': (64,),
            'mlp.fc2.weight': (32, 64),
        }
        shapes.update({f'blocks.{i}.{name}': shape for name, shape in block.items()})
    return {name: torch.randn(shape) for name, shape in shapes.items()}


@pytest.mark.parametrize('kind', ['dinov2', 'timm'])
def test_dinov2_backbones(kind, tmp_path):
    """Of another grid and other patches, by ``init_cfg``; all blocks are the backbone's."""
    state = backbone_file(kind, grid=5, patch=7)
    assert recognize(state).title == 'timm or DINOv2 backbone'
    torch.save(state, tmp_path / 'vit.pth')
    config = golden_config(NAME)
    config.model.backbone.init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'vit.pth'))
    model = build_model(config)
    model.init_weights()
    backbone = model.backbone
    assert torch.equal(backbone.layers[3].ffn.layers[1].weight, state['blocks.3.mlp.fc2.weight'])
    assert torch.equal(backbone.layers[3].attn.gamma1.weight, state['blocks.3.ls1.gamma'])
    token = state['cls_token'] + (state['pos_embed'][:, :1] if kind == 'dinov2' else 0)
    assert torch.equal(backbone.cls_token, token)
    assert backbone.pos_embed.shape == (1, 64, 32)
    assert backbone.pos_embed.abs().mean() > 0.2
    del state['norm.bias']
    torch.save(state, tmp_path / 'vit.pth')
    with pytest.raises(ValueError, match=r"it lacks 'norm.bias' \('ln1.bias' in this package\)"):
        build_model(config).init_weights()


def test_what_huggingface_cannot_have(tmp_path):
    config = golden_config(NAME)
    config.model.backbone.img_size = (64, 96)
    ours = tmp_path / 'ours.pth'
    torch.save(build_model(config).state_dict(), ours)
    with pytest.raises(ValueError, match='no positions of 8 x 12 patches, but of squares'):
        convert_checkpoint(ours, tmp_path / 'out', config, to='huggingface')
    with pytest.raises(ValueError, match='not written in the official format: choose huggingface'):
        convert_checkpoint(ours, tmp_path / 'out', config, to='official')


def test_backbone_of_timm():
    """DINOv2 with registers: names, order of tokens, layer scale and norms; timm's resizing is ours."""
    timm, layers = pytest.importorskip('timm'), pytest.importorskip('timm.layers')
    settings = dict(pretrained=False, num_classes=0, img_size=56, depth=2)
    theirs = timm.create_model('vit_small_patch14_reg4_dinov2', **settings).eval()
    arch = dict(QueryVisionTransformer.arch_zoo['small'], num_layers=2)
    ours = QueryVisionTransformer(arch, img_size=56, patch_size=14, num_query_blocks=1).eval()
    for name, parameter in theirs.named_parameters():
        torch.nn.init.normal_(parameter, float('norm' in name), 0.3 if parameter.ndim < 2 else 0.05)
    state = to_our_names(theirs.state_dict(), 'timm').state
    ours.load_state_dict({name.removeprefix('backbone.'): tensor for name, tensor in state.items()})
    images = torch.randn(1, 3, 56, 56)
    with torch.no_grad():
        tokens, _, (last,), norm = ours(images)
        assert_parity(norm(last(tokens)), theirs.forward_features(images).numpy(), 'tokens', 1e-5)
    table, kernel = torch.randn(1, 49, 8), torch.randn(4, 3, 14, 14)
    expected = layers.resample_abs_pos_embed(table, (5, 5), (7, 7), num_prefix_tokens=0)
    torch.testing.assert_close(resize_position_grid(table, (7, 7), (5, 5)), expected)
    expected = layers.resample_patch_embed(kernel, [16, 16])
    torch.testing.assert_close(resize_patch_kernel(kernel, 16), expected, atol=1e-4, rtol=1e-4)
