#!/usr/bin/env python
"""Panoptic quality against MMDetection's CocoPanopticMetric with panopticapi, on drawn id maps.

    python benchmarks/panoptic_quality.py --out benchmarks/results

Both metrics get the same ground truth and predictions in one process, and must give the same numbers.
mmdet's reads the ground truth from its PNG, and writes the prediction to one and reads it; ours has it from
the data pipeline. So the second row also times our reading of the PNG (LoadPanopticAnnotations). Runs are
interleaved, figures are medians. Needs panopticapi (on PyPI panopticapi-lite; install it with --no-deps).
"""

from __future__ import annotations

import argparse
import io
import json
import platform
import tempfile
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path

import numpy as np
import torch
from measure import paired_seconds
from mmengine.logging import MMLogger
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

import mmmaskformer  # noqa: F401  (before mmdet, which cannot be imported without it)

from mmdet.evaluation.metrics import CocoPanopticMetric  # isort: skip
from mmmaskformer.datasets.transforms import LoadPanopticAnnotations
from mmmaskformer.evaluation import PanopticQuality
from mmmaskformer.evaluation.mmdet_encoding import mmdet_meta, to_mmdet
from mmmaskformer.evaluation.prediction_files import write_id_png

NUM_CLASSES, NUM_THINGS = 133, 80  # as COCO panoptic
CPU = torch.device('cpu')  # metrics count there
NAMES = tuple(f'class {number}' for number in range(NUM_CLASSES))
META = dict(classes=NAMES, thing_classes=NAMES[:NUM_THINGS], category_ids=tuple(range(1, NUM_CLASSES + 1)))


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--size', type=int, nargs=2, default=(480, 640), help='height and width')
    parser.add_argument('--segments', type=int, default=30, help='in each image')
    parser.add_argument('--images', type=int, default=20)
    parser.add_argument('--repeats', type=int, default=7)
    parser.add_argument('--out', type=Path, help='folder for panoptic_quality.json and panoptic_quality.md')
    return parser.parse_args()


def cells(rng: np.random.Generator, size: tuple[int, int], num_segments: int) -> np.ndarray:
    """A map of 0..S-1: every pixel belongs to the nearest of some random points."""
    points = rng.random((num_segments, 2)) * size
    rows, columns = (np.arange(side)[None] - points[:, [axis]] for axis, side in enumerate(size))
    return np.argmin(rows[:, :, None] ** 2 + columns[:, None, :] ** 2, axis=0)


def draw_sample(number: int, args: argparse.Namespace) -> SegDataSample:
    """Ground truth with void and a crowd, and a prediction with moved borders and some other classes."""
    rng = np.random.default_rng(number)
    ground_truth = cells(rng, tuple(args.size), args.segments + 1)
    classes = rng.integers(0, NUM_CLASSES, args.segments + 1)
    classes[1] = 0
    guessed = np.where(rng.random(len(classes)) < 0.2, rng.integers(0, NUM_CLASSES, len(classes)), classes)
    prediction = np.roll(ground_truth, rng.integers(0, 12, 2), axis=(0, 1))
    listed = [
        [
            dict(
                id=i,
                category_id=int(labels[i]),
                isthing=bool(labels[i] < NUM_THINGS),
                iscrowd=int(i == crowd),
            )
            for i in np.unique(ids[ids > 0]).tolist()
        ]
        for ids, labels, crowd in ((ground_truth, classes, 1), (prediction, guessed, None))
    ]
    name = f'{number:06d}'
    sample = SegDataSample(metainfo=dict(img_id=number, img_path=f'{name}.jpg', ori_shape=tuple(args.size)))
    sample.set_data(
        dict(
            gt_panoptic_seg=PixelData(data=torch.from_numpy(ground_truth.astype(np.uint8))[None]),
            gt_segments_info=listed[0],
            pred_panoptic_seg=PixelData(data=torch.from_numpy(prediction.astype(np.int32))[None]),
            pred_segments_info=listed[1],
        )
    )
    return sample


def write_ground_truth(samples: list[SegDataSample], folder: Path) -> Path:
    """COCO panoptic files of the ground truth; ids are colors, as in COCO."""
    annotations = []
    for sample in samples:
        ids = sample.gt_panoptic_seg.data[0].numpy().astype(np.int64)
        colors = np.append(0, np.random.default_rng(sample.img_id).permutation(2**24 - 2)[: ids.max()] + 1)
        name = f'{Path(sample.img_path).stem}.png'
        write_id_png(colors[ids], folder / 'ground_truth' / name)
        segments = [
            dict(
                s,
                id=int(colors[s['id']]),
                category_id=s['category_id'] + 1,
                area=int((ids == s['id']).sum()),
            )
            for s in sample.gt_segments_info
        ]
        annotations.append(dict(image_id=sample.img_id, file_name=name, segments_info=segments))
    categories = [
        dict(id=number, name=name, isthing=int(number <= NUM_THINGS)) for number, name in enumerate(NAMES, 1)
    ]
    images = [
        dict(id=s.img_id, file_name=s.img_path, height=s.ori_shape[0], width=s.ori_shape[1]) for s in samples
    ]
    path = folder / 'ground_truth.json'
    path.write_text(json.dumps(dict(images=images, annotations=annotations, categories=categories)))
    return path


def ours(samples: list[dict], ground_truth: Path | None = None) -> dict:
    """Evaluate; with the JSON file of the ground truth, also read its images."""
    metric = PanopticQuality()
    metric.dataset_meta = META
    for sample in samples:
        if ground_truth is not None:
            sample = {**sample, **load_ground_truth(sample, ground_truth)}
        metric.process({}, [sample])
    return metric.evaluate(len(samples))


def load_ground_truth(sample: dict, ground_truth: Path) -> dict:
    """What the data pipeline loads of one image."""
    segments = [
        dict(s, category_id=s['category_id'] - 1) for s in annotations_of(ground_truth)[sample['img_id']]
    ]
    path = ground_truth.with_suffix('') / f'{Path(sample["img_path"]).stem}.png'
    loaded = LoadPanopticAnnotations()(
        dict(seg_map_path=str(path), segments_info=segments, ori_shape=sample['ori_shape'])
    )
    return dict(
        gt_panoptic_seg=dict(data=torch.from_numpy(loaded['gt_seg_map'])[None]),
        gt_segments_info=loaded['segments_info'],
    )


def annotations_of(ground_truth: Path, known: dict = {}) -> dict:  # noqa: B006  (read once, as a data set does)
    if ground_truth not in known:
        document = json.loads(ground_truth.read_text())
        known[ground_truth] = {entry['image_id']: entry['segments_info'] for entry in document['annotations']}
    return known[ground_truth]


def theirs(samples: list[dict], ground_truth: Path, metric: CocoPanopticMetric) -> dict:
    """Evaluate; the metric is made before, so that reading the annotation file is not timed."""
    metric.dataset_meta = mmdet_meta(META)
    with redirect_stdout(io.StringIO()):
        for sample in samples:
            panoptic = {'sem_seg': sample['pred_panoptic_seg']['sem_seg'].clone()}  # mmdet writes into it
            metric.process({}, [{**sample, 'pred_panoptic_seg': panoptic}])
        found = metric.evaluate(len(samples))
    return {name.removeprefix('coco_panoptic/'): value for name, value in found.items()}


def compare(args: argparse.Namespace, folder: Path) -> list[dict]:
    drawn = [draw_sample(number, args) for number in range(args.images)]
    ground_truth = write_ground_truth(drawn, folder)
    with redirect_stdout(io.StringIO()):
        metric = CocoPanopticMetric(ann_file=str(ground_truth), seg_prefix=str(folder / 'ground_truth'))
    samples = [sample.to_dict() for sample in drawn]
    encoded = [to_mmdet(sample, META).to_dict() for sample in drawn]
    tasks = dict(
        ours=partial(ours, samples),
        ours_with_reading=partial(ours, samples, ground_truth),
        mmdet=partial(theirs, encoded, ground_truth, metric),
    )
    results = {name: task() for name, task in tasks.items()}
    for name in ('ours_with_reading', 'mmdet'):
        for key, value in results['ours'].items():
            if not np.isclose(value, results[name][key], rtol=0, atol=1e-9, equal_nan=True):
                raise SystemExit(f'{key} differs: ours {value}, {name} {results[name][key]}')
    rows = []
    for name, work in (('ours', 'process + compute'), ('ours_with_reading', 'reading the true PNG too')):
        pair = paired_seconds({'mmdet': tasks['mmdet'], name: tasks[name]}, args.repeats, CPU)
        rates = {label: args.images / pair[label]['seconds'] for label in pair}
        rows.append(
            dict(
                work=work,
                ours=rates[name],
                mmdet=rates['mmdet'],
                ratio=pair[name]['ratio'],
                **results['ours'],
            )
        )
    return rows


def table(rows: list[dict]) -> str:
    lines = ['| work | ours, images/s | mmdet, images/s | ratio | PQ of both |', '|-|-|-|-|-|']
    for row in rows:
        rates = f'{row["ours"]:.0f} | {row["mmdet"]:.1f} | {row["ratio"]:.1f}'
        lines.append(f'| {row["work"]} | {rates} | {row["PQ"]:.4f} |')
    return '\n'.join(lines)


def main() -> None:
    args = parse_args()
    torch.set_num_threads(1)
    MMLogger.get_instance('benchmark', log_level='ERROR')
    with tempfile.TemporaryDirectory() as folder:
        rows = compare(args, Path(folder))
    settings = {key: value for key, value in vars(args).items() if key != 'out'}
    report = dict(numpy=np.__version__, python=platform.python_version(), **settings, rows=rows)
    height, width = args.size
    title = (
        f'{args.images} drawn pairs of {width}x{height} with {args.segments} segments, medians of '
        f'{args.repeats} interleaved runs, one CPU thread'
    )
    print(f'{title}\n\n{table(rows)}')
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / 'panoptic_quality.json').write_text(json.dumps(report, indent=1) + '\n')
        (args.out / 'panoptic_quality.md').write_text(f'{title}\n\n{table(rows)}\n')


if __name__ == '__main__':
    main()
