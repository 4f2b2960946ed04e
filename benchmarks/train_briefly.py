"""Train a ResNet-18 MaskFormer briefly on real images with panoptic and instance supervision.

Needs a folder with ``coco126`` (COCO photos with instances.json and panoptic.json) and ``camvid``. Prints the
mean loss of the first and last twenty iterations and the Python warnings; writes them to benchmarks/results/.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.runner import Runner

import mmmaskformer  # noqa: F401

ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT / 'configs/camvid/maskformer_r18_1xb4-1400i_camvid-panoptic-192x256.py'
EDGE = 20  # iterations averaged at the beginning and at the end


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('data', type=Path, help='folder that holds coco126 and camvid')
    parser.add_argument('--iterations', type=int, default=200)
    parser.add_argument('--out', type=Path, default=ROOT / 'benchmarks/results/train_briefly.json')
    parser.add_argument('--only', help='name of one data set; its results are added to the file')
    args = parser.parse_args()
    if args.only is None:
        for name in datasets(args.data):  # each in a process of its own
            subprocess.run([sys.executable, *sys.argv, '--only', name], check=True)
        return
    results = json.loads(args.out.read_text()) if args.out.exists() else {}
    results[args.only] = train(datasets(args.data)[args.only], args.iterations)
    print(args.only, json.dumps(results[args.only]), flush=True)
    args.out.write_text(json.dumps(results, indent=2) + '\n')


def datasets(data: Path) -> dict[str, dict]:
    coco = dict(data_root=str(data / 'coco126'), filter_cfg=dict(filter_empty_gt=True))
    return {
        'coco126, instances': dict(
            coco,
            type='mmmaskformer.CocoInstanceDataset',
            ann_file='instances.json',
            data_prefix=dict(img_path='images'),
            pipeline=pipeline('mmmaskformer.LoadInstanceAnnotations'),
        ),
        'coco126, things-only panoptic': dict(
            coco,
            type='mmmaskformer.CocoPanopticDataset',
            ann_file='panoptic.json',
            data_prefix=dict(img_path='images', seg_map_path='panoptic'),
            pipeline=pipeline('mmmaskformer.LoadPanopticAnnotations'),
        ),
        'CamVid, panoptic': dict(
            type='mmmaskformer.CamVidPanopticDataset',
            data_root=str(data / 'camvid'),
            ann_file='panoptic/train.json',
            data_prefix=dict(img_path='img/train', seg_map_path='panoptic/train'),
            pipeline=pipeline('mmmaskformer.LoadPanopticAnnotations'),
        ),
    }


def pipeline(loading: str) -> list[dict]:
    return [
        dict(type='mmmaskformer.LoadImageFromFile'),
        dict(type=loading),
        dict(type='RandomResize', scale=(320, 240), ratio_range=(0.75, 1.5), keep_ratio=True),
        dict(type='RandomCrop', crop_size=(192, 256)),
        dict(type='PhotoMetricDistortion'),
        dict(type='RandomFlip', prob=0.5),
        dict(type='mmmaskformer.PadSegments', size=(256, 192), img_pad_val=128),
        dict(type='mmmaskformer.PackSegmentInputs'),
    ]


def train(dataset: dict, iterations: int) -> dict:
    """Losses, seconds and warnings of one training."""
    cfg = Config.fromfile(CONFIG)
    cfg.merge_from_dict(
        dict(
            log_level='ERROR',
            train_cfg=dict(max_iters=iterations, val_interval=iterations + 1),
            train_dataloader=dict(num_workers=0, persistent_workers=False),
            default_hooks=dict(checkpoint=dict(interval=-1, save_last=False, save_best=None)),
        )
    )
    cfg.train_dataloader.dataset = dataset
    for kind in ('val', 'test'):
        cfg[f'{kind}_cfg'] = cfg[f'{kind}_dataloader'] = cfg[f'{kind}_evaluator'] = None
    cfg.default_hooks.pop('visualization')  # it warns that there is nothing to draw
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(record=True) as caught:
        cfg.work_dir = folder
        categories = json.loads((Path(dataset['data_root']) / dataset['ann_file']).read_text())['categories']
        cfg.model.decode_head.num_classes = len(categories)
        runner = Runner.from_cfg(cfg)
        start = time.perf_counter()
        runner.train()
        seconds = time.perf_counter() - start
        losses = runner.message_hub.get_scalar('train/loss').data[0]
    return dict(
        iterations=iterations,
        first_loss=round(float(losses[:EDGE].mean()), 2),
        last_loss=round(float(losses[-EDGE:].mean()), 2),
        seconds=round(seconds),
        threads=torch.get_num_threads(),
        warnings=sorted({f'{w.filename}: {w.category.__name__}: {w.message}' for w in caught}),
    )


if __name__ == '__main__':
    main()
