#!/usr/bin/env python
"""Image to label map by exported models, each beside PyTorch in paired rounds: medians, ratios to eager.

    python benchmarks/speed_export.py --models r50 --out benchmarks/results

``--calibrate`` names a folder of images for 8 bits, else random images are used: times are the same.
The model is recorded once; all files are made from that ONNX file. Results are written after each row.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import mmmaskformer  # noqa: F401 - first: OpenMMLab's packages may need it to be imported at all

# isort: split
import cv2
import numpy as np
import torch
from measure import paired_seconds, seconds_of
from mmengine.config import Config
from mmseg.structures import SegDataSample
from torch import nn

from mmmaskformer.export import Settings, export_model
from mmmaskformer.export.formats import write_openvino
from mmmaskformer.export.quantise import quantize_onnx, quantize_openvino
from mmmaskformer.inference.config_files import find_config
from mmmaskformer.inference.model_loading import load_model
from mmmaskformer.models.compilation import compile_parts
from mmmaskformer.runtime.metadata import read_metadata
from mmmaskformer.runtime.sessions import open_session

MODELS = {
    'r50': ('r50_ade20k', (512, 512)),
    'swin-t': ('swin_ade20k', (512, 512)),
    'lite0': ('camvid/maskformer_efficientnet-lite0_small-data_1xb4-600i_camvid-192x256', (192, 256)),
    'light': ('camvid/maskformer_efficientnet-lite0_light_1xb4-1400i_camvid-192x256', (192, 256)),
}
VARIANTS = (
    'onnx fp32', 'onnx int8', 'openvino fp32', 'openvino int8', 'bf16', 'compile',
)  # fmt: skip
CPU = torch.device('cpu')
SECONDS = 60.0  # of one variant: a slow one gets fewer rounds
Task = Callable[[], object]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--models', nargs='+', choices=list(MODELS), default=['r50'])
    parser.add_argument('--variants', nargs='+', choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument('--weights', help='checkpoint, for one model; by default weights are random')
    parser.add_argument(
        '--size', type=int, nargs=2, metavar=('HEIGHT', 'WIDTH'), help='other than the default'
    )
    parser.add_argument('--threads', type=int, default=os.cpu_count())
    parser.add_argument('--repeats', type=int, default=5, help='rounds of each variant beside eager')
    parser.add_argument('--calibrate', type=Path, help='folder of images')
    parser.add_argument('--out', type=Path, help='folder for export.json')
    parser.add_argument('--docs', type=Path, help='page between whose marks the table is written')
    return parser.parse_args()


def bare_config(name: str) -> Config:
    """Of a model whose backbone is not loaded, and that gives label maps alone."""
    config = find_config(name)
    config.model.backbone.pop('init_cfg', None)
    config.model.backbone.pop('pretrained', None)
    config.model.test_cfg = dict(mode='whole', seg_logits=False)
    return config


def write_images(folder: Path, size: tuple[int, int], number: int = 4) -> Path:
    folder.mkdir()
    random = np.random.RandomState(0)
    for index in range(number):
        blocks = random.randint(0, 256, (6, 8, 3)).astype(np.uint8)
        cv2.imwrite(
            str(folder / f'{index}.png'), cv2.resize(blocks, size[::-1], interpolation=cv2.INTER_CUBIC)
        )
    return folder


def label_map(model: nn.Module, image: torch.Tensor, dtype: torch.dtype | None = None) -> object:
    shape = tuple(image.shape[1:])
    sample = SegDataSample(metainfo=dict(img_shape=shape, ori_shape=shape))
    with torch.inference_mode(), torch.autocast('cpu', dtype or torch.bfloat16, enabled=dtype is not None):
        return model.test_step(dict(inputs=[image], data_samples=[sample]))


class Contest:
    """One model in all of its forms, on one image."""

    def __init__(self, args: argparse.Namespace, name: str, folder: Path) -> None:
        config_name, default_size = MODELS[name]
        self.size: tuple[int, int] = tuple(args.size or default_size)
        self.args, self.folder, self.config = args, folder, bare_config(config_name)
        torch.manual_seed(0)
        self.model = load_model(self.config, args.weights).model
        self.model.cfg = self.config  # its test pipeline
        example = write_images(folder / 'images', self.size)
        self.images = args.calibrate or example
        image = cv2.imread(str(example / '0.png'))
        self.rgb = np.ascontiguousarray(image[None, ..., ::-1])
        self.pixels = torch.from_numpy(image).permute(2, 0, 1).contiguous()
        self.eager: Task = partial(label_map, self.model, self.pixels)
        self.onnx: Path | None = None

    def task(self, variant: str) -> tuple[Task, Path | None]:
        """What to time, and the file that it runs."""
        if variant == 'bf16':
            return partial(label_map, self.model, self.pixels, torch.bfloat16), None
        if variant == 'compile':
            compiled = load_model(self.config, self.args.weights).model
            compiled.load_state_dict(self.model.state_dict())
            compile_parts(compiled, {})
            return partial(label_map, compiled, self.pixels), None
        path = self.file(variant)
        session = open_session(path, threads=self.args.threads)
        return partial(session.run, ['label_map'], self.rgb), path

    def file(self, variant: str) -> Path:
        """The exported file; the ONNX file that others are made from is recorded the first time."""
        if self.onnx is None:
            folder = self.folder / 'onnx'
            figures = export_model(self.model, None, folder, Settings('onnx', ['semantic'], self.size, 1))
            say(f'recorded: {figures}')
            self.onnx = folder / 'model.onnx'
        settings = read_metadata(self.onnx.parent)['input']
        stem = self.folder / variant.replace(' ', '_')
        if variant == 'onnx int8':
            path = Path(shutil.copy2(self.onnx, stem.with_suffix('.onnx')))
            quantize_onnx(path, self.images, settings)
            return path
        if variant.startswith('openvino'):
            path = stem.with_suffix('.xml')
            if variant == 'openvino int8':
                quantize_openvino(self.onnx, path, self.images, settings)
            else:
                write_openvino(self.onnx, path, half=False)
            return path
        return self.onnx

    def row(self, variant: str) -> dict[str, Any]:
        """Times of one variant, in rounds with eager."""
        task, path = self.task(variant)
        say(f'{variant}: ready, first run')
        task()  # compiles
        say(f'{variant}: timing')
        tasks = {'eager': self.eager, variant: task}
        one_round = sum(seconds_of(each, CPU) for each in tasks.values())
        repeats = max(1, min(self.args.repeats, int(SECONDS / one_round)))
        found = paired_seconds(tasks, repeats, CPU, warm_up=1 if one_round < SECONDS / 4 else 0, pause=0.5)
        return dict(
            variant=variant,
            milliseconds=1000 * found[variant]['seconds'],
            eager_milliseconds=1000 * found['eager']['seconds'],
            ratio=1 / found[variant]['ratio'],
            rounds=repeats,
            megabytes=None if path is None else megabytes(path),
        )


def megabytes(path: Path) -> float:
    return sum(file.stat().st_size for file in path.parent.glob(f'{path.stem}.*')) / 1e6


@contextmanager
def one_pool(threads: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def measured(args: argparse.Namespace, name: str) -> Iterator[dict[str, Any]]:
    """Rows of one model; a variant that fails is reported and left out."""
    with tempfile.TemporaryDirectory() as folder, one_pool(args.threads):
        contest = Contest(args, name, Path(folder))
        size = 'x'.join(map(str, contest.size))
        for variant in args.variants:
            try:
                yield dict(model=name, size=size, **contest.row(variant))
            except Exception:  # any variant may be missing here, and the others count
                traceback.print_exc()
                say(f'{variant}: failed')


def table(rows: list[dict[str, Any]], threads: int) -> str:
    lines = [
        f'| model, {threads} threads | | ms | eager beside it, ms | ratio | file, MB |',
        '|-|-|-|-|-|-|',
    ]
    for row in rows:
        size = '' if row['megabytes'] is None else f'{row["megabytes"]:.0f}'
        times = f'{row["milliseconds"]:.0f} | {row["eager_milliseconds"]:.0f} | {row["ratio"]:.2f}'
        lines.append(f'| {row["model"]}, {row["size"]} | {row["variant"]} | {times} | {size} |')
    return '\n'.join(lines)


def write(rows: list[dict[str, Any]], args: argparse.Namespace) -> None:
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        report = dict(
            torch=torch.__version__,
            processor=platform.processor() or platform.machine(),
            threads=args.threads,
            repeats=args.repeats,
            rows=rows,
        )
        (args.out / 'export.json').write_text(json.dumps(report, indent=1) + '\n')
    if args.docs:
        write_between_marks(args.docs, table(rows, args.threads))


def write_between_marks(page: Path, text: str, mark: str = 'export') -> None:
    before, _, rest = page.read_text().partition(f'<!-- {mark} -->\n')
    _, closing, after = rest.partition(f'<!-- /{mark} -->')
    page.write_text(f'{before}<!-- {mark} -->\n{text}\n{closing}{after}')


def say(text: str) -> None:
    print(f'[{time.strftime("%H:%M:%S")}] {text}', file=sys.stderr, flush=True)


def main() -> None:
    args = parse_args()
    rows: list[dict[str, Any]] = []
    for name in args.models:
        for row in measured(args, name):
            rows.append(row)
            say(f'{row["variant"]}: {row["milliseconds"]:.0f} ms, {row["ratio"]:.2f} of eager')
            write(rows, args)
    print(table(rows, args.threads))


if __name__ == '__main__':
    main()
