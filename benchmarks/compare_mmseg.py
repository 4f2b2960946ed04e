#!/usr/bin/env python
"""One training step and one prediction against MMSegmentation's MaskFormer, in one process.

    python benchmarks/compare_mmseg.py --out benchmarks/results

Both models get the same pictures and label maps. Time is the median of paired runs, memory the peak above the
level before. Figures are written as JSON and as a Markdown table.
"""

from __future__ import annotations

import argparse
import json
import platform
from functools import partial
from pathlib import Path

import torch
from measure import paired_seconds, peak_memory
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from peers import CONFIGS, build_pair
from torch import Tensor, nn


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--models', nargs='+', choices=list(CONFIGS), default=list(CONFIGS))
    parser.add_argument('--size', type=int, default=512, help='height and width of the pictures')
    parser.add_argument('--batch', type=int, default=2, help='pictures in a training step')
    parser.add_argument('--classes', type=int, default=9, help='classes present in each picture')
    parser.add_argument('--repeats', type=int, default=7)
    parser.add_argument('--out', type=Path, help='folder for mmseg.json and mmseg.md')
    return parser.parse_args()


def scene(size: int, num_present: int, seed: int) -> tuple[Tensor, SegDataSample]:
    """A picture of noise and a label map of blocks, as a data loader would hand them over."""
    generator = torch.Generator().manual_seed(seed)
    present = torch.randperm(150, generator=generator)[:num_present]
    blocks = present[torch.randint(0, num_present, (8, 8), generator=generator)]
    blocks.flatten()[:num_present] = present
    side = -(-size // 8)
    label_map = blocks.repeat_interleave(side, 0).repeat_interleave(side, 1)[:size, :size]
    picture = torch.randint(0, 256, (3, size, size), dtype=torch.uint8, generator=generator)
    sample = SegDataSample(gt_sem_seg=PixelData(data=label_map[None].contiguous()))
    sample.set_metainfo(dict(img_shape=(size, size), ori_shape=(size, size)))
    return picture, sample


def make_batch(args: argparse.Namespace, pictures: int) -> dict:
    inputs, samples = zip(*(scene(args.size, args.classes, seed) for seed in range(pictures)))
    return dict(inputs=list(inputs), data_samples=list(samples))


def training_step(model: nn.Module, args: argparse.Namespace) -> None:
    model.train()
    batch = model.data_preprocessor(make_batch(args, args.batch), training=True)
    total, _ = model.parse_losses(model.loss(**batch))
    total.backward()
    model.zero_grad()


def prediction(model: nn.Module, args: argparse.Namespace) -> None:
    model.eval()
    with torch.no_grad():
        model.test_step(make_batch(args, 1))


def compare(name: str, args: argparse.Namespace) -> list[dict]:
    pair = build_pair(name)
    if torch.cuda.is_available():
        pair = {label: model.cuda() for label, model in pair.items()}
    rows = []
    for work in (training_step, prediction):
        tasks = {label: partial(work, model, args) for label, model in pair.items()}
        seconds = paired_seconds(tasks, args.repeats)
        memory = {label: peak_memory(task) for label, task in tasks.items()}
        rows.append(
            dict(
                model=name,
                work=work.__name__.replace('_', ' '),
                ours_seconds=seconds['ours']['seconds'],
                mmseg_seconds=seconds['mmseg']['seconds'],
                time_ratio=seconds['mmseg']['ratio'],
                ours_mib=memory['ours'],
                mmseg_mib=memory['mmseg'],
                memory_ratio=memory['ours'] / memory['mmseg'],
            )
        )
        print(table(rows[-1:]), flush=True)
    return rows


def table(rows: list[dict]) -> str:
    lines = [
        '| model | work | ours, s | mmseg, s | time ratio | ours, MiB | mmseg, MiB | memory ratio |',
        '|-|-|-|-|-|-|-|-|',
    ]
    for row in rows:
        seconds = f'{row["ours_seconds"]:.3f} | {row["mmseg_seconds"]:.3f} | {row["time_ratio"]:.2f}'
        memory = f'{row["ours_mib"]:.0f} | {row["mmseg_mib"]:.0f} | {row["memory_ratio"]:.2f}'
        lines.append(f'| {row["model"]} | {row["work"]} | {seconds} | {memory} |')
    return '\n'.join(lines)


def main() -> None:
    args = parse_args()
    torch.manual_seed(0)
    rows = [row for name in args.models for row in compare(name, args)]
    device = (
        torch.cuda.get_device_name()
        if torch.cuda.is_available()
        else f'{torch.get_num_threads()} CPU threads'
    )
    settings = {key: value for key, value in vars(args).items() if key != 'out'}
    report = dict(
        device=device, torch=torch.__version__, python=platform.python_version(), **settings, rows=rows
    )
    print(table(rows))
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / 'mmseg.json').write_text(json.dumps(report, indent=1) + '\n')
        (args.out / 'mmseg.md').write_text(f'{device}, {args.size}x{args.size}\n\n{table(rows)}\n')


if __name__ == '__main__':
    main()
