"""The recipe for small data: what it adds, and what the per-pixel baseline shares with it."""

import pytest
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DATASETS, init_default_scope

from mmmaskformer.registry import MODELS

CAMVID = 'camvid/{}_{}_small-data_1xb4-600i_camvid-192x256'
CCP = 'ccp/{}_{}_small-data_1xb4-600i_ccp-256x192'
COCO = 'coco200/{}_{}_small-data_1xb4-600i_coco200-panoptic-192x256'
PARTS = ('learned_queries', 'HomeQueryCost', 'MaskPooledClassifier')


@pytest.fixture
def load(root):
    def load(name):
        cfg = Config.fromfile(root / 'configs' / f'{name}.py')
        init_default_scope(cfg.default_scope)
        return cfg

    return load


RECIPES = [(name, backbone) for name in (CAMVID, CCP) for backbone in ('efficientnet-lite0', 'r18')]


@pytest.mark.parametrize(('name', 'backbone'), [*RECIPES, (COCO, 'efficientnet-lite0')])
def test_recipe(load, name, backbone):
    cfg = load(name.format('maskformer', backbone))
    cfg.model.backbone.pop('init_cfg', None)
    text = str(cfg.model.decode_head)
    assert all(part in text for part in PARTS)
    assert cfg.optim_wrapper.optimizer.lr == 1e-3
    assert (
        [scheduler.end for scheduler in cfg.param_scheduler] == [51, cfg.train_cfg.max_iters + 1] == [51, 601]
    )
    model = MODELS.build(cfg.model)
    names = {id(parameter): key for key, parameter in model.named_parameters()}
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper).optimizer
    undecayed = {names[id(p)] for g in optimizer.param_groups if not g['weight_decay'] for p in g['params']}
    queries = {key for key in undecayed if 'quer' in key}
    assert queries == {
        f'decode_head.transformer_decoder.{key}.weight' for key in ('query_embed', 'query_feat')
    }


@pytest.mark.parametrize(('name', 'backbone'), RECIPES)
def test_the_baseline_differs_in_the_head_alone(load, name, backbone):
    ours, baseline = (
        load(name.format(model, backbone)).to_dict() for model in ('maskformer', 'per_pixel_baseline')
    )
    heads = [cfg['model'].pop('decode_head') for cfg in (ours, baseline)]
    for cfg in (ours, baseline):
        cfg.pop('head', None), cfg.pop('kept', None)
    assert ours == baseline
    assert set(heads[1]) == {'type', 'in_channels', 'num_classes', 'pixel_decoder'}
    assert all(heads[0][key] == heads[1][key] for key in ('in_channels', 'num_classes', 'pixel_decoder'))


@pytest.mark.parametrize(
    'name',
    [
        'maskformer/r50_ade20k',
        'maskformer/swin_coco_panoptic',
        'camvid/maskformer_r18_1xb4-1400i_camvid-192x256',
    ],
)
def test_other_recipes_have_none_of_it(load, name):
    assert not any(part in str(load(name).model) for part in PARTS)


def test_coco200_reads_a_set_in_the_layout_of_coco(load, shared):
    cfg = load(COCO.format('maskformer', 'efficientnet-lite0')).val_dataloader.dataset
    dataset = DATASETS.build({**cfg, 'data_root': str(shared / 'data/coco200')})
    assert len(dataset) == 100
    assert len(dataset.metainfo['classes']) == 133
    assert dataset[0]['data_samples'].gt_sem_seg.shape == dataset[0]['data_samples'].ori_shape


def test_clothing_reads_its_set(load, shared):
    cfg = load(CCP.format('maskformer', 'r18'))
    for loader, number in (
        (cfg.train_dataloader, 803),
        (cfg.val_dataloader, 201),
        (cfg.test_dataloader, 201),
    ):
        dataset = DATASETS.build({**loader.dataset, 'data_root': str(shared / 'data/ccp')})
        assert len(dataset) == number
    assert tuple(dataset[0]['inputs'].shape[1:]) <= (331, 220)
