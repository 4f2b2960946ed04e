"""The configs of the sets beside ADE20K-150 and COCO panoptic say what the paper's settings are."""

import pytest
from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope

from mmmaskformer.datasets.ignored_label import label_settings
from mmmaskformer.functional.targets import ignored_label

# crop, short-edge choices with their largest size, test scale, scales of test-time augmentation, number of
# classes, ignored label, batch, thousands of iterations
SETTINGS = {
    'r101_cityscapes': (
        (512, 1024),
        ([int(1024 * x * 0.1) for x in range(5, 21)], 4096),
        (2048, 1024),
        [(4096, edge) for edge in (512, 768, 1024, 1280, 1536, 1792)],
        *(19, 255, 16, 90),
    ),
    'r50_coco_stuff': (
        (640, 640),
        ([int(640 * x * 0.1) for x in range(5, 16)], 2560),
        (2560, 640),
        [(4480, edge) for edge in (320, 480, 640, 800, 960, 1120)],
        *(171, 255, 32, 60),
    ),
    'r50_ade20k_full': (
        (512, 512),
        ([int(512 * x * 0.1) for x in range(5, 21)], 2048),
        (2048, 512),
        [(3584, edge) for edge in (256, 384, 512, 640, 768, 896)],
        *(847, 65535, 16, 200),
    ),
    'r50_mapillary': (
        (1280, 1280),
        ([int(2048 * x * 0.1) for x in range(5, 21)], 8192),
        (2048, 2048),
        [(edge, edge) for edge in (1024, 2048, 3072)],
        *(65, 255, 16, 300),
    ),
}


@pytest.mark.parametrize('stem', SETTINGS)
def test_settings(stem, root):
    crop, short_edges, scale, tta, num_classes, ignored, batch, thousands = SETTINGS[stem]
    cfg = Config.fromfile(root / 'configs' / 'maskformer' / f'{stem}.py')
    init_default_scope(cfg.default_scope)
    train = {t.type: t for t in cfg.train_dataloader.dataset.pipeline}
    assert tuple(train['RandomCrop'].crop_size) == crop
    assert 'cat_max_ratio' not in train['RandomCrop']
    assert (list(train['RandomChoiceResize'].scales), train['RandomChoiceResize'].max_size) == short_edges
    if stem == 'r101_cityscapes':
        assert 'Pad' not in train
    else:
        assert train['Pad'].pad_val['img'] == 128
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        assert tuple(loader.dataset.pipeline[1].scale) == scale
    assert [tuple(t.scale) for t in cfg.tta_pipeline[1].transforms[0]] == tta
    assert cfg.train_dataloader.batch_size * 8 == cfg.auto_scale_lr.base_batch_size == batch
    assert cfg.train_cfg.max_iters == cfg.param_scheduler[0].end - 1 == 1000 * thousands
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        dataset = DATASETS.build({**loader.dataset, 'lazy_init': True})
        assert len(dataset.metainfo['classes']) == num_classes
        assert dataset.ignore_index == ignored
        assert {setting.value for setting in label_settings(dataset.pipeline)} <= {ignored}
    assert cfg.model.decode_head.num_classes == num_classes
    for place in (cfg.model.decode_head, cfg.val_evaluator):
        assert ignored_label(num_classes, place.get('ignore_index')) == ignored
