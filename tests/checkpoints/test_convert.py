from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from golden_outputs import CONFIGS, GOLDEN, golden_config
from mmengine.config import Config

from mmmaskformer.checkpoints import (
    build_model,
    convert_checkpoint,
)


def test_converted_checkpoint_loads_without_remainder(tmp_path, run_python, root):
    target = tmp_path / 'new' / 'converted.pth'
    config = str(CONFIGS / 'semantic_r.py')
    source = str(GOLDEN / 'semantic_r.pkl')
    run_python(None, str(root / 'tools/convert_checkpoint.py'), source, str(target), '--config', config)
    content = torch.load(target, weights_only=True)
    build_model(golden_config('semantic_r')).load_state_dict(content['state_dict'], strict=True)
    assert content['meta']['converted_from'] == 'semantic_r.pkl'


def test_imagenet_backbone_becomes_a_checkpoint_of_the_backbone(tmp_path):
    content = pickle.loads((GOLDEN / 'semantic_rc.pkl').read_bytes())['model']
    arrays = {
        key.removeprefix('backbone.'): value for key, value in content.items() if key.startswith('backbone.')
    }
    (tmp_path / 'R-103.pkl').write_bytes(
        pickle.dumps({'model': {**arrays, 'stem.fc.weight': np.zeros((9, 9))}})
    )
    convert_checkpoint(tmp_path / 'R-103.pkl', tmp_path / 'r103.pth', golden_config('semantic_rc'))
    config = golden_config('semantic_rc')
    config.model.backbone.init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'r103.pth'))
    backbone = build_model(config).backbone
    backbone.init_weights()
    assert torch.equal(backbone.stem[3].weight, torch.from_numpy(arrays['stem.conv2.weight']))
    assert torch.equal(backbone.layer4[2].bn3.weight, torch.from_numpy(arrays['res5.2.conv3.norm.weight']))


@pytest.mark.parametrize(
    ('dataset', 'classes', 'things'),
    [
        (dict(type='ADE20KDataset', _scope_='mmseg'), 150, None),
        (
            dict(type='mmmaskformer.CocoPanopticDataset', ann_file='a.json', categories='coco_panoptic'),
            133,
            80,
        ),
    ],
)
def test_classes_that_the_data_set_knows_without_files(tmp_path, dataset, classes, things):
    config = golden_config('semantic_r')
    config.test_dataloader = dict(dataset=dataset)
    convert_checkpoint(GOLDEN / 'semantic_r.pkl', tmp_path / 'c.pth', config)
    meta = torch.load(tmp_path / 'c.pth', weights_only=True)['meta']['dataset_meta']
    assert len(meta['classes']) == len(meta['palette']) == classes
    assert len(meta.get('thing_classes', [])) == (things or 0)


def test_class_names_of_the_data_set_are_kept(tmp_path):
    config = golden_config('semantic_r')
    config.test_dataloader = dict(dataset=dict(type='ADE20KDataset', metainfo=dict(classes=('a', 'b'))))
    convert_checkpoint(GOLDEN / 'semantic_r.pkl', tmp_path / 'c.pth', config)
    assert torch.load(tmp_path / 'c.pth', weights_only=True)['meta']['dataset_meta']['classes'] == ('a', 'b')


def test_other_number_of_classes(tmp_path):
    config = Config(golden_config('semantic_r').to_dict())
    config.model.decode_head.num_classes = 7
    with pytest.raises(ValueError, match='trained on 5 classes, this model has num_classes=7'):
        convert_checkpoint(GOLDEN / 'semantic_r.pkl', tmp_path / 'c.pth', config)
