#!/usr/bin/env python
"""Time to load one panoptic training sample, against MMDetection's pipeline.

    python benchmarks/panoptic_pipeline.py --out benchmarks/results

Drawn images of 640x480 are read, flipped, resized to 1333x800, cropped to 640x640 and packed. The peer
needs panopticapi (``pip install panopticapi-lite --no-deps``). The pipelines take turns, and the time is that
of the processor, so that other work does not count. Figures are written as JSON and Markdown.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from itertools import cycle
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.registry import init_default_scope

from mmmaskformer.datasets import CocoPanopticDataset
from mmmaskformer.datasets.id_maps import describe_segment

HEIGHT, WIDTH = 480, 640
NUM_CLASSES = 80
IMAGES = 8
OURS = [
    dict(type='mmmaskformer.LoadImageFromFile'),
    dict(type='mmmaskformer.LoadPanopticAnnotations'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='Resize', scale=(1333, 800), keep_ratio=True),
    dict(type='RandomCrop', crop_size=(640, 640)),
    dict(type='mmmaskformer.PackSegmentInputs'),
]
MMDET = [
    dict(type='mmdet.LoadImageFromFile'),
    dict(type='mmdet.LoadPanopticAnnotations', with_bbox=True, with_mask=True, with_seg=True),
    dict(type='mmdet.RandomFlip', prob=0.5),
    dict(type='mmdet.Resize', scale=(1333, 800), keep_ratio=True),
    dict(type='mmdet.RandomCrop', crop_size=(640, 640)),
    dict(type='mmdet.PackDetInputs'),
]
IMAGE_ALONE = [step for step in OURS if 'Panoptic' not in step['type']]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--segments', type=int, nargs='+', default=[10, 30, 100])
    parser.add_argument('--repeats', type=int, default=41, help='timed samples of each pipeline')
    parser.add_argument('--out', type=Path, help='folder for panoptic_pipeline.json and panoptic_pipeline.md')
    return parser.parse_args()


def draw(folder: Path, num_segments: int, rng: np.random.Generator) -> None:
    """Images whose segments are the Voronoi cells of random points, half of them things."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    images, annotations = [], []
    for number in range(1, IMAGES + 1):
        points = rng.uniform(0, 1, (num_segments, 2)) * (HEIGHT, WIDTH)
        distances = ((rows - y) ** 2 + (columns - x) ** 2 for y, x in points)
        cells = np.stack([distance.astype(np.float32) for distance in distances]).argmin(0)
        ids = 1 + rng.choice((1 << 24) - 1, num_segments, replace=False)
        colors = np.stack([ids >> 16 & 255, ids >> 8 & 255, ids & 255], 1).astype(np.uint8)
        noise = rng.normal(0, 12, (HEIGHT, WIDTH, 3))
        image = np.clip(cv2.GaussianBlur(colors[cells], (5, 5), 0) + noise, 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f'{number}.jpg'), image)
        cv2.imwrite(str(folder / f'{number}.png'), colors[cells])
        images.append(dict(id=number, file_name=f'{number}.jpg', height=HEIGHT, width=WIDTH))
        segments = [
            describe_segment(cells == cell, int(ids[cell]), cell % NUM_CLASSES)
            for cell in np.unique(cells).tolist()
        ]
        annotations.append(dict(image_id=number, file_name=f'{number}.png', segments_info=segments))
    categories = [dict(id=i, name=f'class {i}', isthing=i % 2) for i in range(NUM_CLASSES)]
    document = dict(images=images, annotations=annotations, categories=categories)
    (folder / 'panoptic.json').write_text(json.dumps(document))


def pipelines(folder: Path) -> dict[str, Callable[[], object]]:
    """Each call loads the next sample of a pipeline."""
    from mmdet.datasets import CocoPanopticDataset as MMDetCocoPanopticDataset  # fixed by our import

    common = dict(ann_file=str(folder / 'panoptic.json'))
    prefix = dict(img_path=str(folder), seg_map_path=str(folder))
    classes = tuple(f'class {i}' for i in range(NUM_CLASSES))
    metainfo = dict(classes=classes, thing_classes=classes[1::2], stuff_classes=classes[::2])
    datasets = dict(
        ours=CocoPanopticDataset(**common, data_prefix=prefix, pipeline=OURS),
        mmdet=MMDetCocoPanopticDataset(
            **common,
            data_prefix=dict(img=str(folder), seg=str(folder)),
            metainfo=metainfo,
            pipeline=MMDET,
        ),
        image=CocoPanopticDataset(**common, data_prefix=prefix, pipeline=IMAGE_ALONE),
    )
    return {name: sampler(dataset) for name, dataset in datasets.items()}


def sampler(dataset: object) -> Callable[[], object]:
    order = cycle(range(IMAGES))
    return lambda: dataset[next(order)]


def measure(num_segments: int, repeats: int) -> dict:
    with tempfile.TemporaryDirectory() as name:
        draw(Path(name), num_segments, np.random.default_rng(num_segments))
        times = processor_ms(pipelines(Path(name)), repeats)
    medians = {f'{label}_ms': statistics.median(values) for label, values in times.items()}
    ratios = (ours / theirs for ours, theirs in zip(times['ours'], times['mmdet']))
    return dict(segments=num_segments, **medians, ratio=statistics.median(ratios))


def processor_ms(tasks: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Milliseconds of each task in each round; the first rounds, one for each image, do not count."""
    times: dict[str, list[float]] = {label: [] for label in tasks}
    for _ in range(IMAGES + repeats):
        for label, task in tasks.items():
            start = time.process_time()
            task()
            times[label].append(1000 * (time.process_time() - start))
    return {label: values[IMAGES:] for label, values in times.items()}


def table(rows: list[dict]) -> str:
    lines = [
        '| segments | ours, ms | mmdet, ms | ratio | the image alone, ms |',
        '|-|-|-|-|-|',
    ]
    for row in rows:
        times = f'{row["ours_ms"]:.1f} | {row["mmdet_ms"]:.1f} | {row["ratio"]:.3f}'
        lines.append(f'| {row["segments"]} | {times} | {row["image_ms"]:.1f} |')
    return '\n'.join(lines)


def main() -> None:
    args = parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    init_default_scope('mmseg')
    np.random.seed(0)
    rows = [measure(number, args.repeats) for number in args.segments]
    print(table(rows))
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        report = dict(
            python=platform.python_version(), opencv=cv2.__version__, repeats=args.repeats, rows=rows
        )
        (args.out / 'panoptic_pipeline.json').write_text(json.dumps(report, indent=1) + '\n')
        (args.out / 'panoptic_pipeline.md').write_text(
            f'One thread, images of 640x480, processor time\n\n{table(rows)}\n'
        )


if __name__ == '__main__':
    main()
