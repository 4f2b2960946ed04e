import pytest
import torch
from mmengine.config import Config

from mmmaskformer.apis import browse_dataset, evaluate_model, train_model
from mmmaskformer.apis.train import _resume_newest

MISSING = {'dataset': {'type': 'mmmaskformer.CamVidDataset', 'data_root': 'nowhere'}}


@pytest.mark.parametrize(
    ('phase', 'call'),
    [
        ('train', train_model),
        ('val', train_model),
        ('test', lambda cfg: evaluate_model(cfg, 'checkpoint.pth')),
        ('test', lambda cfg: browse_dataset(cfg, 'images', 'test')),
    ],
)
def test_missing_data_are_noticed_before_anything_is_built(phase, call):
    """Nothing in this config could be built."""
    cfg = Config({'default_scope': 'mmseg', f'{phase}_dataloader': MISSING, 'model': None})
    with pytest.raises(FileNotFoundError, match=f'{phase}_dataloader: the folder nowhere does not exist'):
        call(cfg)


def test_resuming_takes_the_newest_checkpoint_not_the_pretrained_one(tmp_path):
    cfg = Config({'work_dir': str(tmp_path / 'run'), 'load_from': 'pretrained.pth'})
    cfg.default_hooks = {'checkpoint': {'type': 'CheckpointHook', 'out_dir': str(tmp_path / 'disk')}}
    _resume_newest(cfg)
    assert (cfg.resume, cfg.load_from) == (False, 'pretrained.pth')
    (tmp_path / 'disk/run').mkdir(parents=True)
    torch.save({}, tmp_path / 'disk/run/iter_5.pth')
    _resume_newest(cfg)
    assert (cfg.resume, cfg.load_from) == (True, str(tmp_path / 'disk/run/iter_5.pth'))
