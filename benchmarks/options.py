#!/usr/bin/env python
"""What the switches of docs/options.md save and cost: time and peak memory of a training step.

    python benchmarks/options.py --config configs/maskformer/r50_ade20k.py --out benchmarks/results

Time is the median of paired runs, memory the peak above the level before; ratios are to the step without any
switch, which is channels last on a CPU and NCHW on a GPU.
"""

from __future__ import annotations

import argparse
import json
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import mmmaskformer  # noqa: F401 - first: OpenMMLab's packages may need it to be imported at all

# isort: split
import torch
from measure import paired_seconds, peak_memory
from mmengine.config import Config
from mmengine.registry import init_default_scope
from speed_training import semantic_batch, training_step
from torch import nn

from mmmaskformer.registry import MODELS

DEVICE = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
SWITCHES = {
    'none': {},
    'with_cp': dict(with_cp=True),
    'channels_last': dict(channels_last=True),
    'NCHW': dict(channels_last=False),
    'bf16': {},
    'compile': dict(compile=True),
}


def default_switches() -> list[str]:
    """All but the memory format that the model has anyway."""
    same = 'NCHW' if DEVICE.type == 'cuda' else 'channels_last'
    return [name for name in SWITCHES if name != same]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--config', default='configs/maskformer/r50_ade20k.py')
    parser.add_argument('--switches', nargs='+', choices=list(SWITCHES), default=default_switches())
    parser.add_argument('--size', type=int, default=512, help='height and width of the images')
    parser.add_argument('--batch', type=int, default=2, help='images in a training step')
    parser.add_argument('--classes', type=int, default=9, help='classes present in each image')
    parser.add_argument('--repeats', type=int, default=5)
    parser.add_argument('--out', type=Path, help='folder for options.json')
    return parser.parse_args()


def build(args: argparse.Namespace, switch: str) -> nn.Module:
    config = Config.fromfile(args.config).model
    config.backbone.init_cfg = None
    init_default_scope('mmseg')
    model = MODELS.build({**config, **SWITCHES[switch]})
    return model.to(DEVICE)


def step(model: nn.Module, args: argparse.Namespace, switch: str) -> None:
    with torch.autocast(DEVICE.type, torch.bfloat16) if switch == 'bf16' else nullcontext():
        training_step(model, semantic_batch(args.size, args.batch, args.classes))


def main() -> None:
    args = parse_args()
    torch.manual_seed(0)
    names = list(dict.fromkeys(['none', *args.switches]))
    tasks = {name: partial(step, build(args, name), args, name) for name in names}
    seconds = paired_seconds(tasks, args.repeats, DEVICE)
    rows = []
    for name, task in tasks.items():
        time_ratio = 1 / seconds[name]['ratio']
        rows.append(dict(switch=name, seconds=seconds[name]['seconds'], time_ratio=time_ratio))
        rows[-1]['mib'] = peak_memory(task, DEVICE)
        rows[-1]['memory_ratio'] = rows[-1]['mib'] / rows[0]['mib']
        print(
            '| {switch} | {seconds:.2f} | {time_ratio:.2f} | {mib:.0f} | {memory_ratio:.2f} |'.format(
                **rows[-1]
            )
        )
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        settings = {key: value for key, value in vars(args).items() if key != 'out'}
        report = dict(torch=torch.__version__, threads=torch.get_num_threads(), **settings, rows=rows)
        (args.out / 'options.json').write_text(json.dumps(report, indent=1) + '\n')


if __name__ == '__main__':
    main()
