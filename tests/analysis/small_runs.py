"""Work dirs as training leaves them, with a model that is trained in no time."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.config import Config

sys.path.insert(0, str(Path(__file__).parents[1] / 'models'))

from small_models import model_config, small_model

CLASSES = ('road', 'car', 'tree', 'sky')
PALETTE = [[128, 64, 128], [0, 0, 142], [107, 142, 35], [70, 130, 180]]


def write_data(folder: Path, number: int = 3) -> Path:
    """Images of 64x96 whose brightness tells the class; columns of classes, some pixels ignored."""
    for name in ('img', 'ann'):
        (folder / name).mkdir(parents=True)
    for i in range(number):
        labels = np.repeat(np.roll(np.arange(4), i), 24)[None].repeat(64, 0).astype(np.uint8)
        cv2.imwrite(str(folder / f'img/{i}.png'), np.repeat(60 * labels[..., None], 3, 2))
        labels[:8] = 255
        cv2.imwrite(str(folder / f'ann/{i}.png'), labels)
    return folder


def config(data: Path | str = 'nowhere', **changes) -> Config:
    """A whole config of a small model on these images."""
    transforms = ('LoadImageFromFile', 'LoadAnnotations', 'PackSegInputs')
    dataset = dict(
        type='BaseSegDataset',
        data_root=str(data),
        data_prefix=dict(img_path='img', seg_map_path='ann'),
        img_suffix='.png',
        metainfo=dict(classes=CLASSES, palette=PALETTE),
        pipeline=[dict(type=name) for name in transforms],
    )
    sampler = dict(type='DefaultSampler', shuffle=False)
    return Config(
        dict(
            default_scope='mmseg',
            crop_size=(64, 96),
            model=model_config(**changes),
            test_dataloader=dict(batch_size=2, num_workers=0, sampler=sampler, dataset=dataset),
            test_evaluator=dict(type='IoUMetric', iou_metrics=['mIoU']),
            test_cfg=dict(type='TestLoop'),
        )
    )


def write_run(folder: Path, data: Path | str = 'nowhere', iteration: int = 40, **changes) -> Path:
    """A work dir: config, checkpoint, and the scalars of a run that was resumed at 20."""
    folder.mkdir(parents=True)
    cfg = config(data, **changes)
    cfg.dump(folder / 'small.py')
    torch.manual_seed(3)
    model = small_model(**changes)
    meta = dict(cfg=cfg.pretty_text, dataset_meta=dict(classes=CLASSES, palette=PALETTE))
    torch.save(dict(state_dict=model.state_dict(), meta=meta), folder / f'iter_{iteration}.pth')
    (folder / 'last_checkpoint').write_text(f'/another/machine/iter_{iteration}.pth')
    write_scalars(folder / '20260101_000000', [10, 20, 30], loss=8.0, score=10.0)
    write_scalars(folder / '20260102_000000', [30, 40], loss=4.0, score=20.0)
    return folder


def write_scalars(log: Path, steps: list[int], loss: float, score: float) -> None:
    """MMEngine's record of some iterations, and of a validation after the last of them."""
    (log / 'vis_data').mkdir(parents=True)
    records = [dict(loss=loss, time=0.5, lr=1e-3, step=step) for step in steps]
    records.append(dict(mIoU=score, PQ_sem=score / 2, time=0.1, step=steps[-1]))
    (log / 'vis_data/scalars.json').write_text(''.join(json.dumps(record) + '\n' for record in records))
