#!/usr/bin/env python
"""Image to label map by exported models, beside PyTorch: paired rounds in one run, medians, ratios to eager.

    python benchmarks/speed_export.py --models r50 --out benchmarks/results

``--calibrate`` names a folder of images for 8 bits, else random images are used: times are the same.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import mmmaskformer  # noqa: F401 - first: OpenMMLab's packages may need it to be imported at all

# isort: split
import cv2
import numpy as np
import torch
from measure import paired_seconds
from mmengine.config import Config
from mmseg.structures import SegDataSample
from torch import nn

from mmmaskformer.export import Settings, export_model
from mmmaskformer.inference.config_files import find_config
from mmmaskformer.inference.model_loading import load_model
from mmmaskformer.models.compilation import compile_parts
from mmmaskformer.runtime import Segmenter

MODELS = {
    'r50': ('r50_ade20k', (512, 512)),
    'swin-t': ('swin_ade20k', (512, 512)),
    'lite0': ('camvid/maskformer_efficientnet-lite0_small-data_1xb4-600i_camvid-192x256', (192, 256)),
}
VARIANTS = (
    'eager', 'compile', 'bf16', 'onnx fp32', 'onnx int8', 'openvino fp32', 'openvino int8',
)  # fmt: skip
CPU = torch.device('cpu')


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
    parser.add_argument('--repeats', type=int, default=9)
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


def write_images(folder: Path, size: tuple[int, int], number: int = 12) -> Path:
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


def tasks_of(args: argparse.Namespace, name: str, folder: Path) -> dict[str, Callable[[], object]]:
    config_name, default_size = MODELS[name]
    size = tuple(args.size or default_size)
    config = bare_config(config_name)
    torch.manual_seed(0)
    model = load_model(config, args.weights).model
    images = args.calibrate or write_images(folder, size)
    image = cv2.resize(cv2.imread(str(next(images.rglob('*.png')))), size[::-1])
    pixels = torch.from_numpy(image).permute(2, 0, 1).contiguous()
    tasks: dict[str, Callable[[], object]] = {}
    for variant in dict.fromkeys(['eager', *args.variants]):
        if variant == 'compile':
            compiled = load_model(config, args.weights).model
            compiled.load_state_dict(model.state_dict())
            compile_parts(compiled, {})
            tasks[variant] = partial(label_map, compiled, pixels)
        elif variant in ('eager', 'bf16'):
            dtype = torch.bfloat16 if variant == 'bf16' else None
            tasks[variant] = partial(label_map, model, pixels, dtype)
        else:
            segmenter = exported(
                model, config, variant, folder / variant.replace(' ', '_'), images, size, args.threads
            )
            tasks[variant] = partial(
                segmenter._session.run, ['label_map'], np.ascontiguousarray(image[None, ..., ::-1])
            )
    return tasks


def exported(
    model: nn.Module, config: Config, variant: str, folder: Path, images: Path, size: tuple, threads: int
) -> Segmenter:
    kind, precision = variant.split()
    calibrate = images if precision == 'int8' else None
    settings = Settings(kind, ['semantic'], size, 1, precision, calibrate)
    model.cfg = config  # its test pipeline
    figures = export_model(model, None, folder, settings)
    print(variant, figures, flush=True)
    return Segmenter(folder, threads=threads)


@contextmanager
def one_pool(threads: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def measured(args: argparse.Namespace, name: str) -> list[dict]:
    with tempfile.TemporaryDirectory() as folder, one_pool(args.threads):
        tasks = tasks_of(args, name, Path(folder))
        times = paired_seconds(tasks, args.repeats, CPU)
        files = {variant: megabytes(Path(folder) / variant.replace(' ', '_')) for variant in tasks}
    size = args.size or MODELS[name][1]
    return [
        dict(
            model=name,
            size='x'.join(map(str, size)),
            variant=variant,
            milliseconds=1000 * found['seconds'],
            ratio=1 / found['ratio'],
            megabytes=files[variant],
        )
        for variant, found in times.items()
    ]


def megabytes(folder: Path) -> float | None:
    sizes = [path.stat().st_size for path in folder.glob('model.*')]
    return sum(sizes) / 1e6 if sizes else None


def table(rows: list[dict], threads: int) -> str:
    lines = [
        f'| model, {threads} threads | | ms | ratio to eager | file, MB |',
        '|-|-|-|-|-|',
    ]
    for row in rows:
        size = '' if row['megabytes'] is None else f'{row["megabytes"]:.0f}'
        times = f'{row["milliseconds"]:.0f} | {row["ratio"]:.2f}'
        lines.append(f'| {row["model"]}, {row["size"]} | {row["variant"]} | {times} | {size} |')
    return '\n'.join(lines)


def write_between_marks(page: Path, text: str, mark: str = 'export') -> None:
    before, _, rest = page.read_text().partition(f'<!-- {mark} -->\n')
    _, closing, after = rest.partition(f'<!-- /{mark} -->')
    page.write_text(f'{before}<!-- {mark} -->\n{text}\n{closing}{after}')


def main() -> None:
    args = parse_args()
    rows = [row for name in args.models for row in measured(args, name)]
    text = table(rows, args.threads)
    print(text)
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        report = dict(
            torch=torch.__version__, processor=platform.processor(), threads=args.threads, rows=rows
        )
        (args.out / 'export.json').write_text(json.dumps(report, indent=1) + '\n')
    if args.docs:
        write_between_marks(args.docs, text)


if __name__ == '__main__':
    main()
