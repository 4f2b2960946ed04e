"""OpenMMLab's own entry points, each in a fresh process, with our config and the checkpoint of the first."""

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

cfg = Config.fromfile(sys.argv[1])
cfg.work_dir = sys.argv[2]
if sys.argv[3] == 'EncoderDecoder':
    cfg.model.type = sys.argv[3]
Runner.from_cfg(cfg).train()
"""

INFERENCE = """
import json, sys
import mmmaskformer
from mmseg.apis import inference_model, init_model

model = init_model(sys.argv[1], sys.argv[2], device='cpu')
results = inference_model(model, sys.argv[3:])
single = inference_model(model, sys.argv[3])
print(json.dumps(dict(
    shapes=[list(result.pred_sem_seg.data.shape) for result in results],
    labels=single.pred_sem_seg.data[0].tolist(),
    classes=list(model.dataset_meta['classes']),
)))
"""

INFERENCER = """
import json, sys
import mmmaskformer
from mmseg.apis import MMSegInferencer

inferencer = MMSegInferencer(model=sys.argv[1], weights=sys.argv[2], device='cpu')
result = inferencer(sys.argv[3], out_dir=sys.argv[4])
print(json.dumps(dict(labels=result['predictions'].tolist())))
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
    work_dir = config.parent / 'work_dir'
    run_python(TRAIN, str(config), str(work_dir), 'MaskFormer')
    return work_dir / 'iter_2.pth'


def test_runner_from_cfg_trains_and_evaluates(checkpoint):
    assert checkpoint.is_file()
    logs = ''.join(path.read_text() for path in checkpoint.parent.rglob('*.log'))
    assert 'Iter(train) [2/2]' in logs
    assert 'mIoU' in logs


def test_runner_trains_the_head_in_a_plain_encoder_decoder(config, run_python, tmp_path):
    run_python(TRAIN, str(config), str(tmp_path), 'EncoderDecoder')
    assert (tmp_path / 'iter_2.pth').is_file()


def test_init_model_and_inference_model(config, checkpoint, run_python):
    images = sorted(str(path) for path in (config.parent / 'data/img/val').iterdir())
    done = run_python(INFERENCE, str(config), str(checkpoint), *images)
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer['shapes'] == [[1, 64, 64]] * 2
    assert len(answer['classes']) == 11
    assert set(np.unique(answer['labels'])) <= set(range(11))


def test_inferencer_agrees_with_inference_model(config, checkpoint, run_python, tmp_path):
    image = str(config.parent / 'data/img/val/0.jpg')
    done = run_python(INFERENCER, str(config), str(checkpoint), image, str(tmp_path))
    labels = json.loads(done.stdout.splitlines()[-1])['labels']
    direct = run_python(INFERENCE, str(config), str(checkpoint), image)
    assert labels == json.loads(direct.stdout.splitlines()[-1])['labels']
    assert any(tmp_path.rglob('*.png')), 'the inferencer wrote no image'
