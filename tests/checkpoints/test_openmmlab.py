"""mmseg's and mmdet's own MaskFormers with random weights, converted, give the same outputs."""

from __future__ import annotations

import pytest
import torch
from foreign_heads import CHANNELS, foreign_head
from golden_outputs import assert_parity, golden_config
from mmseg.structures import SegDataSample

from mmmaskformer.checkpoints import build_model, load_strictly, read_checkpoint
from mmmaskformer.checkpoints.formats import to_our_names
from mmmaskformer.registry import MODELS

PARTS = {'mmseg': ('decode_head', 'semantic_r'), 'mmdet': ('panoptic_head', 'panoptic_r')}


@pytest.fixture(params=['mmseg', 'mmdet'])
def kind(request) -> str:
    return request.param


def our_config(kind: str):
    config = golden_config(PARTS[kind][1])
    config.model.decode_head.pixel_decoder.mask_channels = CHANNELS
    return config


def foreign_parts(kind: str) -> tuple[torch.nn.Module, torch.nn.Module]:
    """A backbone and a head; norms' statistics are random, too."""
    backbone = MODELS.build({**our_config(kind).model.backbone, 'type': f'{kind}.ResNet'})
    backbone.eval()
    for module in backbone.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -0.5, 0.5)
            torch.nn.init.uniform_(module.running_var, 0.2, 0.6)
    return backbone, foreign_head(kind, [16, 32, 64, 128])


def foreign_state(kind: str, backbone: torch.nn.Module, head: torch.nn.Module) -> dict[str, torch.Tensor]:
    name = PARTS[kind][0]
    parts = {f'{name}.{key}': tensor for key, tensor in head.state_dict().items()}
    return {**{f'backbone.{key}': tensor for key, tensor in backbone.state_dict().items()}, **parts}


def test_outputs_of_every_layer(kind, tmp_path):
    backbone, head = foreign_parts(kind)
    torch.save(dict(state_dict=foreign_state(kind, backbone, head), meta={}), tmp_path / 'theirs.pth')
    found = read_checkpoint(tmp_path / 'theirs.pth')
    assert found.format.title == {'mmseg': 'MMSegmentation', 'mmdet': 'MMDetection'}[kind]
    model = build_model(our_config(kind)).eval()
    load_strictly(model, found.state, 'theirs', found)
    image = torch.randn(2, 3, 64, 96)
    meta = dict(img_shape=(64, 96), batch_input_shape=(64, 96))  # no padding
    with torch.no_grad():
        features = backbone(image)
        classes, masks = head(features, [SegDataSample(metainfo=meta)] * 2)
        ours = model.decode_head(model.extract_feat(image))
    assert len(ours) == len(classes) == 3
    for i, layer in enumerate(ours):
        assert_parity(layer.class_logits, classes[i].numpy(), f'classes {i}', 1e-5)
        assert_parity(layer.mask_logits, masks[i].numpy(), f'masks {i}', 1e-5)


def test_names_of_earlier_releases(kind):
    """Before mmdet 3.0, transformer layers had lists of attentions and feed-forward networks."""
    state = foreign_state(kind, *foreign_parts(kind))
    replacements = (
        ('.self_attn.', '.attentions.0.'),
        ('.cross_attn.', '.attentions.1.'),
        ('.ffn.', '.ffns.0.'),
    )
    older = {}
    for name, tensor in state.items():
        for new, old in replacements:
            name = name.replace(new, old)
        older[name] = tensor
    assert older.keys() != state.keys()
    current, converted = (to_our_names(names, 'file').state for names in (state, older))
    assert current.keys() == converted.keys()
    assert all(torch.equal(current[name], tensor) for name, tensor in converted.items())


@pytest.mark.parametrize('tensor', ['query_embed.weight', 'mask_embed.2.bias'])
def test_refusals(kind, tensor):
    name = f'{PARTS[kind][0]}.{tensor}'
    state = foreign_state(kind, *foreign_parts(kind))
    with pytest.raises(ValueError, match=r'holds .*more\.weight., which no rule'):
        to_our_names({**state, f'{PARTS[kind][0]}.more.weight': torch.ones(1)}, 'file')
    without = {key: value for key, value in state.items() if key != name}
    for edited, message in (
        (without, rf"lacks '{name}'"),
        ({**state, name: torch.ones(3)}, rf"'{name}' .* shape"),
    ):
        found = to_our_names(edited, 'file')
        with pytest.raises(ValueError, match=rf'file does not fit.*{message}'):
            load_strictly(build_model(our_config(kind)), found.state, 'file', found)
