from __future__ import annotations

import pytest
import torch
from golden_outputs import CONFIGS, GOLDEN, golden_config
from mmengine.config import Config

from mmmaskformer.checkpoints import (
    build_model,
    convert_checkpoint,
    load_strictly,
    read_checkpoint,
    read_state_dict,
)
from mmmaskformer.checkpoints.exporting import write_official


def test_converted_checkpoint_loads_without_remainder(tmp_path, warm_python, root):
    target = tmp_path / 'new' / 'converted.pth'
    config = str(CONFIGS / 'semantic_r.py')
    source = str(GOLDEN / 'semantic_r.pkl')
    warm_python(None, str(root / 'tools/convert_checkpoint.py'), source, str(target), '--config', config)
    content = torch.load(target, weights_only=True)
    build_model(golden_config('semantic_r')).load_state_dict(content['state_dict'], strict=True)
    assert content['meta']['converted_from'] == 'semantic_r.pkl'


@pytest.mark.parametrize(
    ('dataset', 'classes', 'things'),
    [
        (dict(type='ADE20KDataset', _scope_='mmseg'), 150, None),
        (
            dict(type='mmmaskformer.CocoPanopticDataset', ann_file='a.json', categories='coco_panoptic'),
            133,
            80,
        ),
        (dict(type='mmmaskformer.MapillaryPanopticDataset', ann_file='a.json'), 65, 37),
    ],
)
def test_classes_that_the_data_set_knows_without_files(tmp_path, dataset, classes, things):
    config = golden_config('semantic_r')
    config.test_dataloader = dict(dataset=dataset)
    convert_checkpoint(GOLDEN / 'semantic_r.pkl', tmp_path / 'c.pth', config)
    meta = torch.load(tmp_path / 'c.pth', weights_only=True)['meta']['dataset_meta']
    assert len(meta['classes']) == len(meta['palette']) == classes
    assert len(meta.get('thing_classes', [])) == (things or 0)


def test_classes_in_missing_files_are_left_out(tmp_path):
    config = golden_config('semantic_r')
    dataset = dict(type='mmmaskformer.CocoPanopticDataset', ann_file=str(tmp_path / 'missing.json'))
    config.test_dataloader = dict(dataset=dataset)
    convert_checkpoint(GOLDEN / 'semantic_r.pkl', tmp_path / 'c.pth', config)
    assert 'dataset_meta' not in torch.load(tmp_path / 'c.pth', weights_only=True)['meta']


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


@pytest.mark.parametrize(
    'name', ['semantic_r', 'semantic_rc', 'semantic_swin', 'panoptic_r', 'per_pixel', 'per_pixel_plus']
)
def test_official_round_trips_are_bit_identical(name, tmp_path):
    """Both ways; norms that have learned keep the number of batches they saw."""
    config, golden = golden_config(name), read_state_dict(GOLDEN / f'{name}.pkl')
    convert_checkpoint(GOLDEN / f'{name}.pkl', tmp_path / 'ours.pth', config)
    convert_checkpoint(tmp_path / 'ours.pth', tmp_path / 'theirs.pkl', config, to='official')
    written = read_state_dict(tmp_path / 'theirs.pkl')
    assert golden.keys() == written.keys()
    assert all(torch.equal(written[key], tensor) for key, tensor in golden.items())
    model = build_model(config)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.num_batches_tracked.fill_(7)
    write_official(model, tmp_path / 'theirs.pkl')
    again = build_model(config)
    load_strictly(again, read_checkpoint(tmp_path / 'theirs.pkl').state, 'theirs.pkl')
    assert all(torch.equal(again.state_dict()[key], tensor) for key, tensor in model.state_dict().items())
