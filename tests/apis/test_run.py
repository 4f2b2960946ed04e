import pytest
from mmengine.config import Config

from mmmaskformer.apis import browse_dataset, evaluate_model, train_model

MISSING = {'dataset': {'type': 'mmmaskformer.CamVidDataset', 'data_root': 'nowhere'}}


@pytest.mark.parametrize(
    ('phase', 'call'),
    [
        ('train', train_model),
        ('val', train_model),
        ('test', lambda cfg: evaluate_model(cfg, 'checkpoint.pth')),
        ('test', lambda cfg: browse_dataset(cfg, 'pictures', 'test')),
    ],
)
def test_missing_data_are_noticed_before_anything_is_built(phase, call):
    """Nothing in this config could be built."""
    cfg = Config({'default_scope': 'mmseg', f'{phase}_dataloader': MISSING, 'model': None})
    with pytest.raises(FileNotFoundError, match=f'{phase}_dataloader: the folder nowhere does not exist'):
        call(cfg)
