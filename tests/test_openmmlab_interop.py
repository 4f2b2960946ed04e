"""OpenMMLab's own entry points with our config: training in a fresh process, and what follows it."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

CONFIG = """
_base_ = {base!r}

test_pipeline = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), dict(type='PackSegInputs')]
data = dict(data_root={data!r}, pipeline=test_pipeline)
train_dataloader = dict(batch_size=2, num_workers=0, persistent_workers=False, dataset=data)
val_dataloader = dict(num_workers=0, persistent_workers=False, dataset=data)
test_dataloader = dict(num_workers=0, dataset=data)
train_cfg = dict(max_iters=2, val_interval=2)
default_hooks = dict(logger=dict(interval=1), checkpoint=dict(interval=2))
model = dict(
    backbone=dict(stem_channels=16, base_channels=16),
    decode_head=dict(
        in_channels=[16, 32, 64, 128],
        num_queries=14,
        pixel_decoder=dict(type='mmmaskformer.FPNPixelDecoder', channels=32, mask_channels=32),
        transformer_decoder=dict(
            type='mmmaskformer.MaskFormerTransformerDecoder', channels=32, num_layers=2, ffn_channels=32
        ),
    ),
)
"""

# What mmseg's tools/train.py does once it has read its arguments.
TRAIN = """
import sys
from importlib import metadata
try:
    metadata.version('mmsegmentation')
    import pkg_resources
except ModuleNotFoundError:  # forks, setuptools 82 and later: MMEngine cannot find mmseg, see docs/install.md
    import mmmaskformer
from mmengine.config import Config
from mmengine.runner import Runner

for segmentor in (None, 'EncoderDecoder'):
    cfg = Config.fromfile(sys.argv[1])
    cfg.work_dir = f'{sys.argv[2]}/{segmentor or "own"}'
    cfg.experiment_name = str(segmentor)
    cfg.model.type = segmentor or cfg.model.type
    Runner.from_cfg(cfg).train()
"""

INFERENCE = """
import json, sys
import mmmaskformer
from mmseg.apis import MMSegInferencer, inference_model, init_model

config, checkpoint, out_dir, *images = sys.argv[1:]
model = init_model(config, checkpoint, device='cpu')
results = inference_model(model, images)
single = inference_model(model, images[0])
inferencer = MMSegInferencer(model=config, weights=checkpoint, device='cpu')
print(json.dumps(dict(
    shapes=[list(result.pred_sem_seg.data.shape) for result in results],
    labels=single.pred_sem_seg.data[0].tolist(),
    inferred=inferencer(images[0], out_dir=out_dir)['predictions'].tolist(),
    classes=list(model.dataset_meta['classes']),
)))
"""


@pytest.fixture(scope='module')
def config(tmp_path_factory, root: Path) -> Path:
    folder = tmp_path_factory.mktemp('interop')
    random = np.random.RandomState(0)
    for split in ('train', 'val', 'test'):
        for kind in ('img', 'ann'):
            (folder / 'data' / kind / split).mkdir(parents=True)
        for index in range(2):
            labels = np.kron(random.randint(0, 11, (2, 2)), np.ones((32, 32))).astype(np.uint8)
            cv2.imwrite(str(folder / f'data/ann/{split}/{index}.png'), labels)
            cv2.imwrite(str(folder / f'data/img/{split}/{index}.jpg'), labels[..., None].repeat(3, 2) * 20)
    base = str(root / 'configs/camvid/maskformer_r18_1xb4-1400i_camvid-192x256.py')
    path = folder / 'tiny.py'
    path.write_text(CONFIG.format(base=base, data=str(folder / 'data')))
    return path


@pytest.fixture(scope='module')
def checkpoint(config: Path, run_python) -> Path:
    """Of our segmentor; that of mmseg's is in the folder `EncoderDecoder` beside its own."""
    run_python(TRAIN, str(config), str(config.parent))
    return config.parent / 'own/iter_2.pth'


def test_runner_from_cfg_trains_and_evaluates(checkpoint):
    assert checkpoint.is_file()
    logs = ''.join(path.read_text() for path in checkpoint.parent.rglob('*.log'))
    assert 'Iter(train) [2/2]' in logs
    assert 'mIoU' in logs


def test_runner_trains_the_head_in_a_plain_encoder_decoder(checkpoint, config):
    assert (config.parent / 'EncoderDecoder/iter_2.pth').is_file()
    logs = ''.join(path.read_text() for path in (config.parent / 'EncoderDecoder').rglob('*.log'))
    assert 'mIoU' in logs


def test_models_and_inferencers_of_mmseg_agree(config, checkpoint, warm_python, tmp_path):
    images = sorted(str(path) for path in (config.parent / 'data/img/val').iterdir())
    done = warm_python(INFERENCE, str(config), str(checkpoint), str(tmp_path), *images)
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer['shapes'] == [[1, 64, 64]] * 2
    assert len(answer['classes']) == 11
    assert set(np.unique(answer['labels'])) <= set(range(11))
    assert answer['inferred'] == answer['labels']
    assert any(tmp_path.rglob('*.png')), 'the inferencer wrote no image'
