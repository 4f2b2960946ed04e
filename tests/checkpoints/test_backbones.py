"""ImageNet backbones of every origin."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from golden_outputs import GOLDEN, assert_parity, golden_arrays, golden_config
from torchvision.models.resnet import Bottleneck, ResNet
from torchvision.models.swin_transformer import SwinTransformer

from mmmaskformer.checkpoints import build_model, convert_checkpoint, load_strictly, read_state_dict
from mmmaskformer.checkpoints.formats import to_our_names
from mmmaskformer.registry import MODELS

NORMS = {f'norm{i}.{part}' for i in range(4) for part in ('weight', 'bias')}


def loaded_backbone(name: str, state: dict) -> torch.nn.Module:
    model = build_model(golden_config(name)).eval()
    found = to_our_names(state, 'file')
    assert not found.format.whole
    load_strictly(model, found.state, 'file', found)
    return model.backbone


def official_backbone(name: str) -> dict[str, torch.Tensor]:
    """The backbone of a golden checkpoint, as files of backbones alone name its tensors."""
    state = read_state_dict(GOLDEN / f'{name}.pkl')
    return {k.removeprefix('backbone.'): t for k, t in state.items() if k.startswith('backbone.')}


@pytest.mark.parametrize('name', ['semantic_r', 'semantic_rc'])
def test_detectron2_resnet(name, tmp_path):
    """R-50.pkl and R-103.pkl: a checkpoint for ``init_cfg``, and the golden features."""
    arrays = {key: tensor.numpy() for key, tensor in official_backbone(name).items()}
    arrays['stem.fc.weight'] = np.zeros((9, 9), np.float32)
    (tmp_path / 'R.pkl').write_bytes(pickle.dumps({'model': arrays, '__author__': 'torchvision'}))
    convert_checkpoint(tmp_path / 'R.pkl', tmp_path / 'r.pth', golden_config(name))
    config = golden_config(name)
    config.model.backbone.init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'r.pth'))
    backbone, golden = build_model(config).backbone, golden_arrays(name)
    backbone.init_weights()
    backbone.eval()
    with torch.no_grad():
        features = backbone(torch.from_numpy(golden['input']))
    for i, feature in enumerate(features):
        assert_parity(feature, golden[f'feat_res{i + 2}'], f'res{i + 2}')


def test_swin_of_its_authors():
    """Without norms after the first stages, with a classifier and masks that are computed here."""
    whole = official_backbone('semantic_swin')
    bare = {name: tensor for name, tensor in whole.items() if name not in NORMS}
    extra = {
        'layers.0.blocks.1.attn_mask': torch.ones(4, 16, 16),
        'norm.weight': torch.full((64,), 2.0),
        'norm.bias': torch.zeros(64),
        'head.weight': torch.ones(10, 64),
    }
    backbone = loaded_backbone('semantic_swin', {**bare, **extra})
    reference = loaded_backbone('semantic_swin', whole).state_dict()
    for name, tensor in backbone.state_dict().items():
        assert name in NORMS or torch.equal(tensor, reference[name]), name
    assert (backbone.norm3.weight == 2).all()
    assert (backbone.norm0.weight == 1).all()


def test_swin_of_another_window():
    state = official_backbone('semantic_swin')
    name = 'layers.0.blocks.0.attn.relative_position_bias_table'
    state[name] = torch.zeros(169, 1)
    with pytest.raises(ValueError, match=rf"'{name}' .* has the shape \(169, 1\), .*window_size"):
        loaded_backbone('semantic_swin', state)


def test_swin_of_torchvision():
    original = SwinTransformer([4, 4], 8, [2, 2, 2, 2], [1, 2, 4, 8], [4, 4], num_classes=3).eval()
    state = original.state_dict()
    ours = loaded_backbone('semantic_swin', state)
    ours.norm3 = torch.nn.Identity()
    image = torch.randn(1, 3, 160, 192)  # torchvision does not shift windows as large as the map
    with torch.no_grad():
        expected = original.features(image).permute(0, 3, 1, 2)
        assert_parity(ours(image)[-1], expected.numpy(), 'last features', 1e-5)
    assert torch.equal(loaded_backbone('semantic_swin', state).norm3.weight, original.norm.weight)


def test_resnet_of_torchvision():
    original = ResNet(Bottleneck, [1, 1, 1, 1], num_classes=3).eval()
    found = to_our_names(original.state_dict(), 'file')
    backbone = MODELS.build(
        dict(type='mmpretrain.ResNet', depth=50, out_indices=(0, 1, 2, 3), norm_cfg=dict(type='BN'))
    )
    own = {f'backbone.{name}' for name in backbone.state_dict() if '.0.' in name or 'layer' not in name}
    assert set(found.state) == own


def test_classifier_of_mmpretrain():
    backbone = build_model(golden_config('semantic_swin')).backbone
    state = {k: t for k, t in backbone.state_dict().items() if k not in NORMS or k.startswith('norm3')}
    below = {f'backbone.{name}': tensor for name, tensor in state.items()}
    ours = loaded_backbone('semantic_swin', {**below, 'head.fc.weight': torch.ones(3, 64)})
    assert all(torch.equal(ours.state_dict()[name], tensor) for name, tensor in state.items())
    ours = loaded_backbone('semantic_swin', state)  # as MMSegmentation publishes them
    assert all(torch.equal(ours.state_dict()[name], tensor) for name, tensor in state.items())
