#!/usr/bin/env python
"""Time and memory against MMSegmentation and MMDetection, in one process.

    python benchmarks/speed.py --out benchmarks/results

Ours and the peer's get the same images, ground truth, predictions and matches. Time is the median of paired
runs after warming up, memory the peak above the level before. Figures are written as JSON and Markdown,
growth over segments, classes and image size as a plot. On a GPU, if there is one.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from pathlib import Path

import torch

import mmmaskformer  # noqa: F401 - before OpenMMLab's packages: some cannot be imported without it

# isort: split
import speed_growth
import speed_huggingface
import speed_losses
import speed_mask2former
import speed_prediction
import speed_training
from measure import table

SECTIONS = {
    'losses': speed_losses.rows,
    'training': speed_training.rows,
    'prediction': speed_prediction.rows,
    'mask2former': speed_mask2former.rows,
}


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--sections', nargs='+', choices=[*SECTIONS, 'growth'], default=[*SECTIONS, 'growth'])
    parser.add_argument('--repeats', type=int, default=7, help='timed pairs')
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--huggingface', metavar='PYTHON', help='interpreter that has transformers')
    parser.add_argument('--out', type=Path, help='folder for speed.json, speed.md and growth.png')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    os.chdir(Path(__file__).parents[1])
    torch.manual_seed(0)
    device = torch.device(args.device)
    on_gpu = device.type == 'cuda'
    name = torch.cuda.get_device_name(device) if on_gpu else f'{torch.get_num_threads()} CPU threads'
    versions = dict(torch=torch.__version__, python=platform.python_version())
    report = dict(device=name, **versions, repeats=args.repeats)
    report['rows'] = []
    for section in args.sections:
        if section == 'growth':
            report['growth'] = speed_growth.measure(args.repeats, device)
        else:
            report['rows'] += SECTIONS[section](args.repeats, device)
        if section == 'training':
            report['mib_of_100_segments'] = speed_training.memory_of_many_segments(100, device)
        write(report, args.out)  # an interrupted run leaves what it has
    if args.huggingface:
        report['rows'] += speed_huggingface.rows(args.repeats, args.huggingface)
        write(report, args.out)
    print(summary(report))


def write(report: dict, out: Path | None) -> None:
    if out is None:
        return
    out.mkdir(parents=True, exist_ok=True)
    (out / 'speed.json').write_text(json.dumps(report, indent=1) + '\n')
    head = f'{report["device"]}, PyTorch {report["torch"]}, medians of {report["repeats"]} pairs'
    (out / 'speed.md').write_text(f'{head}\n\n{summary(report)}\n')
    if 'growth' in report:
        speed_growth.plot(report['growth'], out / 'growth.png')


def summary(report: dict) -> str:
    parts = [table(report['rows'])] if report['rows'] else []
    if 'mib_of_100_segments' in report:
        mib = report['mib_of_100_segments']
        parts.append(f'Panoptic R50, 800x1216, 100 segments: our training step needs {mib:.0f} MiB.')
    if 'growth' in report:
        parts.append(speed_growth.slopes(report['growth']))
    return '\n\n'.join(parts)


if __name__ == '__main__':
    main()
