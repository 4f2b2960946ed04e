"""Foreign checkpoints where MMEngine loads: no conversion beforehand."""

from __future__ import annotations

import pickle
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from foreign_heads import foreign_head
from golden_outputs import GOLDEN, golden_config, golden_model
from mmengine.runner import load_checkpoint

from mmmaskformer.checkpoints import build_model, read_checkpoint, read_state_dict
from mmmaskformer.registry import MODELS


def assert_same(model: torch.nn.Module, name: str) -> None:
    expected = read_checkpoint(GOLDEN / name).state
    own = model.state_dict()
    assert all(torch.equal(own[key], tensor) for key, tensor in expected.items())


@pytest.mark.parametrize(
    'name', ['semantic_r.pkl', 'semantic_swin.pkl', 'hf_swin/', 'hf_resnet/model.safetensors']
)
def test_file_as_it_is(name):
    model = build_model(golden_config(name.split('.')[0].split('/')[0]))
    load_checkpoint(model, f'{GOLDEN}/{name}', map_location='cpu')
    assert_same(model, name)


def test_official_training_checkpoint(tmp_path):
    """A ``.pth`` with the model beside the optimizer's state."""
    content = dict(model=read_state_dict(GOLDEN / 'semantic_r.pkl'), optimizer=dict(state={}), iteration=7)
    torch.save(content, tmp_path / 'model_0000007.pth')
    model = build_model(golden_config('semantic_r'))
    load_checkpoint(model, str(tmp_path / 'model_0000007.pth'))
    assert_same(model, 'semantic_r.pkl')
    fresh = build_model(golden_config('semantic_r'))
    fresh.load_state_dict(read_state_dict(GOLDEN / 'semantic_r.pkl'), strict=True)  # and without MMEngine
    assert_same(fresh, 'semantic_r.pkl')


def test_url(tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'cache'))
    (tmp_path / 'site').mkdir()
    shutil.copy(GOLDEN / 'semantic_r.pkl', tmp_path / 'site' / 'model_final.pkl')
    server = ThreadingHTTPServer(
        ('127.0.0.1', 0), partial(SimpleHTTPRequestHandler, directory=tmp_path / 'site')
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f'http://127.0.0.1:{server.server_port}/model_final.pkl'
    model = build_model(golden_config('semantic_r'))
    load_checkpoint(model, url)
    assert_same(model, 'semantic_r.pkl')
    server.shutdown()
    assert read_state_dict(url).keys() == read_state_dict(GOLDEN / 'semantic_r.pkl').keys()  # from the cache


@pytest.mark.parametrize('prefix', [None, 'backbone.'])
def test_backbone_of_a_whole_model(prefix):
    """With the prefix, as the configs of Swin have it, the names arrive as a backbone's alone."""
    config = golden_config('semantic_swin')
    init = dict(type='Pretrained', checkpoint=str(GOLDEN / 'semantic_swin.pkl'), prefix=prefix)
    config.model.backbone.init_cfg = init
    backbone = build_model(config).backbone
    backbone.init_weights()
    expected = golden_model('semantic_swin').backbone.state_dict()
    assert all(torch.equal(tensor, expected[key]) for key, tensor in backbone.state_dict().items())


def test_backbone_pretrained_on_imagenet(tmp_path):
    content = pickle.loads((GOLDEN / 'semantic_rc.pkl').read_bytes())['model']
    arrays = {k.removeprefix('backbone.'): v for k, v in content.items() if k.startswith('backbone.')}
    (tmp_path / 'R-103.pkl').write_bytes(pickle.dumps({'model': arrays}))
    config = golden_config('semantic_rc')
    config.model.backbone.init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'R-103.pkl'))
    model = build_model(config)
    model.init_weights()
    assert torch.equal(model.backbone.stem[3].weight, torch.from_numpy(arrays['stem.conv2.weight']))
    with pytest.raises(
        ValueError, match=r'holds a backbone alone \(detectron2 or Swin backbone\): load it with'
    ):
        load_checkpoint(model, str(tmp_path / 'R-103.pkl'))


def test_faults_stop_the_loading():
    """MMEngine itself would only warn."""
    model, state = build_model(golden_config('semantic_r')), read_state_dict(GOLDEN / 'semantic_r.pkl')
    name = 'sem_seg_head.predictor.query_embed.weight'
    with pytest.raises(ValueError, match=f"lacks '{name}'"):
        model.load_state_dict({key: value for key, value in state.items() if key != name}, strict=False)
    with pytest.raises(ValueError, match=f"'{name}' .*num_queries"):
        model.load_state_dict({**state, name: torch.zeros(3, 32)}, strict=False)
    backbone = {k.removeprefix('backbone.'): t for k, t in state.items() if k.startswith('backbone.')}
    del backbone['res3.1.conv2.weight']
    with pytest.raises(
        ValueError, match=r"lacks 'res3\.1\.conv2\.weight' \('layer2\.1\.conv2\.weight' in this package\)"
    ):
        model.backbone.load_state_dict(backbone, strict=False)


def test_other_classes():
    state = read_state_dict(GOLDEN / 'hf_resnet')
    config = golden_config('hf_resnet')
    config.model.decode_head.num_classes = 7
    with pytest.raises(ValueError, match='trained on 5 classes, this model has num_classes=7'):
        build_model(config).load_state_dict(dict(state), strict=False)
    config.model.decode_head.allow_class_mismatch = True
    model = build_model(config)
    model.load_state_dict(dict(state), strict=False)
    query = state['model.transformer_module.queries_embedder.weight']
    assert torch.equal(model.decode_head.transformer_decoder.query_embed.weight, query)


def test_own_checkpoints_load_as_ever():
    model = golden_model('semantic_r')
    other = build_model(golden_config('semantic_r'))
    other.load_state_dict(model.state_dict(), strict=True)
    other.backbone.load_state_dict(model.backbone.state_dict(), strict=True)
    part = {k: t for k, t in model.state_dict().items() if k.startswith('decode_head.class_embed')}
    other.load_state_dict(part, strict=False)


def test_models_of_others_keep_their_names():
    """Their checkpoints are renamed for our models alone."""
    head = foreign_head('mmseg', [16, 32, 64, 128])
    plain = MODELS.build(
        dict(
            type='mmseg.EncoderDecoder',
            backbone=dict(golden_config('semantic_r').model.backbone),
            decode_head=dict(type='mmseg.FCNHead', in_channels=128, channels=8, in_index=3, num_classes=5),
        )
    )
    plain.decode_head = head
    plain.load_state_dict({k: t.clone() for k, t in plain.state_dict().items()}, strict=True)
