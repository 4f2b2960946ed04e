from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from golden_outputs import CONFIGS, GOLDEN, golden_config
from mmengine.config import Config

from mmmaskformer.checkpoints import (
    Rule,
    Transform,
    build_model,
    convert_checkpoint,
    read_state_dict,
    rename,
)
from mmmaskformer.checkpoints.swin import PATCH_MERGING


def edited_checkpoint(folder, edit) -> str:
    """The golden checkpoint after ``edit`` has changed its arrays."""
    content = pickle.loads((GOLDEN / 'semantic_r.pkl').read_bytes())
    edit(content['model'])
    path = folder / 'edited.pkl'
    path.write_bytes(pickle.dumps(content))
    return path


def test_first_rule_wins_and_none_drops():
    rules = [
        Rule('a.', None),
        Rule('b.{i}.', 'new.{i}.', Transform(torch.neg, torch.neg)),
        Rule('b.', 'rest.'),
    ]
    state = {'a.x': torch.ones(1), 'b.3.w': torch.ones(1), 'b.w': torch.ones(1)}
    renamed = rename(state, rules)
    assert {key: value.item() for key, value in renamed.items()} == {'new.3.w': -1.0, 'rest.w': 1.0}


def test_two_tensors_of_one_name():
    with pytest.raises(ValueError, match="'b' and another tensor for 'x'"):
        rename({'a': torch.ones(1), 'b': torch.ones(1)}, [Rule('a', 'x'), Rule('b', 'x')])


def test_patch_merging_computes_the_same():
    """Official: stack the four pixels' channels, then project. Here: nn.Unfold, then project."""
    pixels, weight = torch.randn(1, 3, 4, 4), torch.randn(5, 12)
    corners = [pixels[:, :, row::2, column::2] for column in (0, 1) for row in (0, 1)]
    official = torch.einsum('bchw,oc->bohw', torch.cat(corners, 1), weight)
    unfolded = torch.nn.functional.unfold(pixels, 2, stride=2).view(1, 12, 2, 2)
    torch.testing.assert_close(torch.einsum('bchw,oc->bohw', unfolded, PATCH_MERGING.read(weight)), official)


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


def test_class_names_of_the_data_set_are_kept(tmp_path):
    config = golden_config('semantic_r')
    config.test_dataloader = dict(dataset=dict(type='ADE20KDataset', metainfo=dict(classes=('a', 'b'))))
    convert_checkpoint(GOLDEN / 'semantic_r.pkl', tmp_path / 'c.pth', config)
    assert torch.load(tmp_path / 'c.pth', weights_only=True)['meta']['dataset_meta']['classes'] == ('a', 'b')


def test_left_over_tensor_is_named(tmp_path):
    path = edited_checkpoint(tmp_path, lambda model: model.update({'sem_seg_head.extra': np.zeros(3)}))
    with pytest.raises(ValueError, match=r"holds 'sem_seg_head\.extra', which no rule"):
        convert_checkpoint(path, tmp_path / 'c.pth', golden_config('semantic_r'))


def test_missing_tensor_is_named(tmp_path):
    path = edited_checkpoint(tmp_path, lambda model: model.pop('sem_seg_head.predictor.query_embed.weight'))
    with pytest.raises(ValueError, match=r'does not fit(.|\n)*transformer_decoder\.query_embed\.weight'):
        convert_checkpoint(path, tmp_path / 'c.pth', golden_config('semantic_r'))


def test_wrong_shape_is_named(tmp_path):
    name = 'sem_seg_head.pixel_decoder.mask_features.bias'
    path = edited_checkpoint(tmp_path, lambda model: model.update({name: np.zeros(5, np.float32)}))
    with pytest.raises(ValueError, match=r'does not fit(.|\n)*pixel_decoder\.mask_features\.bias'):
        convert_checkpoint(path, tmp_path / 'c.pth', golden_config('semantic_r'))


def test_other_number_of_classes(tmp_path):
    config = Config(golden_config('semantic_r').to_dict())
    config.model.decode_head.num_classes = 7
    with pytest.raises(ValueError, match='trained on 5 classes, this model has num_classes=7'):
        convert_checkpoint(GOLDEN / 'semantic_r.pkl', tmp_path / 'c.pth', config)


class RunsCode:
    def __reduce__(self):
        return print, ('the pickle ran code',)


def test_pickle_that_runs_code_is_refused(tmp_path, capsys):
    (tmp_path / 'evil.pkl').write_bytes(pickle.dumps({'model': {'a': RunsCode()}}))
    with pytest.raises(ValueError, match=r'evil\.pkl cannot be read.*builtins\.print'):
        read_state_dict(tmp_path / 'evil.pkl')
    assert 'ran code' not in capsys.readouterr().out


@pytest.mark.parametrize('suffix', ['.pkl', '.pth'])
def test_damaged_file(tmp_path, suffix):
    path = tmp_path / f'half{suffix}'
    path.write_bytes((GOLDEN / 'semantic_r.pkl').read_bytes()[:5000])
    with pytest.raises(ValueError, match='cannot be read as a checkpoint'):
        read_state_dict(path)


def test_missing_and_empty_files(tmp_path):
    with pytest.raises(FileNotFoundError, match='no checkpoint at'):
        read_state_dict(tmp_path / 'absent.pkl')
    (tmp_path / 'empty.pkl').write_bytes(pickle.dumps({'model': {}}))
    with pytest.raises(ValueError, match='holds no tensors'):
        read_state_dict(tmp_path / 'empty.pkl')
