"""Look at a data set: its statistics, and its images as the model gets them."""

from __future__ import annotations

import json
import os.path as osp
from collections import Counter
from collections.abc import Sequence
from inspect import isclass, signature
from pathlib import Path
from statistics import median
from typing import Any

import mmcv
from mmengine.config import Config
from mmengine.registry import DATASETS, MODELS, VISUALIZERS, init_default_scope
from mmengine.utils import track_iter_progress
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..datasets.dataset_files import UNNAMED, ImageFiles
from ..datasets.survey import Survey, survey
from ..datasets.survey_report import counted, image_kinds, likely_mistakes, summary_lines
from ..utils import shown
from ..visualization.colors import to_rgb
from ..visualization.plots import draw_data_report
from .checks import check_data

MAX_ROWS = 40
"""Classes in the table on the console; the JSON file has all."""


def inspect_dataset(
    cfg: Config,
    phases: Sequence[str] = ('train', 'val'),
    out: str | Path | None = None,
    number: int | None = None,
    show: bool = True,
) -> dict[str, dict]:
    """Collect statistics of the data sets of a config, without running their transforms.

    Args:
        cfg: A complete config.
        phases: The data sets to look at, of ``'train'``, ``'val'`` and ``'test'``.
        out: Folder for ``PHASE.json`` and ``PHASE.png``.
        number: How many images to look at, evenly spaced; None for all.
        show: Print tables.

    Returns:
        For each phase what ``PHASE.json`` holds, see docs/data_report.md.

    Raises:
        FileNotFoundError: A folder or file of the data set is missing.
        ValueError: The config has no such data set, or its type is not supported.

    Example:
        >>> report = inspect_dataset(Config.fromfile('my_semantic.py'), ['train'])['train']
        >>> report['classes']['car']['images']
        421
    """
    check_data(cfg, phases)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    num_queries = _num_queries(cfg.get('model') or {})
    reports = {}
    for phase in phases:
        if not cfg.get(f'{phase}_dataloader'):
            raise ValueError(f'The config has no {phase}_dataloader: add it, or choose other phases.')
        statistics = survey(DATASETS.build(cfg[f'{phase}_dataloader'].dataset), number)
        reports[phase] = report_of(statistics, num_queries)
        if show:
            _print(Console(), phase, statistics, reports[phase], num_queries)
        if out is not None:
            _write(Path(out), phase, statistics, reports[phase], num_queries)
    return reports


def report_of(statistics: Survey, num_queries: int | None = None) -> dict[str, Any]:
    """A survey as plain values for JSON."""
    sizes = Counter(f'{header.width}x{header.height}' for header in statistics.headers)
    most = max(statistics.num_segments, key=statistics.num_segments.__getitem__, default=None)
    counts = list(statistics.num_segments.values())
    return dict(
        num_images=statistics.num_images,
        num_samples=statistics.num_samples,
        num_examined=statistics.num_examined,
        lines=summary_lines(statistics, num_queries),
        warnings=likely_mistakes(statistics, num_queries),
        suffixes=dict(statistics.suffixes),
        kinds=dict(image_kinds(statistics)),
        sizes=dict(sizes.most_common()),
        exif_turned=sorted(statistics.turned),
        unreadable=statistics.unreadable,
        repeated_names=statistics.repeated_names,
        left_out=statistics.left_out,
        classes={
            name: dict(images=int(images), segments=int(segments), pixels=int(pixels))
            for name, images, segments, pixels in zip(
                statistics.classes, statistics.images, statistics.segments, statistics.pixels
            )
        },
        absent_classes=statistics.absent,
        labels_outside={str(label): number for label, number in sorted(statistics.outside.items())},
        void_share=statistics.void_pixels / statistics.known_pixels if statistics.known_pixels else None,
        segments_per_image=dict(
            median=median(counts) if counts else None, max=max(counts, default=None), image=most
        ),
        num_queries=num_queries,
        images_above_num_queries=[
            path for path, segments in statistics.num_segments.items() if segments > (num_queries or segments)
        ],
    )


def _write(folder: Path, phase: str, statistics: Survey, report: dict, num_queries: int | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f'{phase}.json').write_text(json.dumps(report, indent=1, ensure_ascii=False) + '\n', 'utf-8')
    examined = max(statistics.num_examined, 1)
    draw_data_report(
        folder / f'{phase}.png',
        statistics.classes,
        [images / examined for images in statistics.images.tolist()],
        list(statistics.num_segments.values()),
        [(header.width, header.height) for header in statistics.headers],
        num_queries,
    )


def _print(console: Console, phase: str, statistics: Survey, report: dict, num_queries: int | None) -> None:
    console.print(_class_table(phase, statistics))
    for line in report['lines']:
        console.print(escape(line), soft_wrap=True)
    notes = [*report['warnings']]
    if UNNAMED in statistics.left_out:
        names = statistics.left_out[UNNAMED]
        notes.append(f'{counted(len(names), UNNAMED)} ({shown(names)})')
    if statistics.turned:
        turned = counted(len(statistics.turned), 'images')
        notes.append(f'{turned} with an EXIF orientation ({shown(statistics.turned)})')
    if statistics.repeated_names:
        names = statistics.repeated_names
        notes.append(f'{counted(len(names), "file names")} used more than once ({shown(names)})')
    for note in notes:
        console.print(escape(f'- {note}'), soft_wrap=True)


def _class_table(phase: str, statistics: Survey) -> Table:
    table = Table(title=f'{phase}: classes, most images first')
    table.add_column('class')
    for title in ('images', '% of images', 'segments', '% of labelled pixels'):
        table.add_column(title, justify='right')
    order = sorted(range(len(statistics.classes)), key=lambda place: -statistics.images[place])
    cut = len(order) > MAX_ROWS
    shown_places = [*order[: MAX_ROWS // 2], None, *order[-MAX_ROWS // 2 :]] if cut else order
    total = statistics.pixels.sum()
    for place in shown_places:
        if place is None:
            table.add_row('...', f'({len(order) - MAX_ROWS} more)', '', '', '')
            continue
        share = f'{statistics.pixels[place] / total:.3%}' if total else '-'
        of_images = f'{statistics.images[place] / max(statistics.num_examined, 1):.1%}'
        table.add_row(
            escape(statistics.classes[place]),
            f'{statistics.images[place]:,}',
            of_images,
            f'{statistics.segments[place]:,}',
            share,
        )
    return table


def _num_queries(model: Any) -> int | None:
    """Number of queries that a model's config has, or its head's default; None for heads without."""
    head = model.get('decode_head') or {}
    if not isinstance(head, dict) or 'num_queries' in head:
        return head.get('num_queries') if isinstance(head, dict) else None
    cls = MODELS.get(head['type']) if isinstance(head.get('type'), str) else head.get('type')
    parameters = signature(cls).parameters if isclass(cls) else {}
    return parameters['num_queries'].default if 'num_queries' in parameters else None


def browse_dataset(cfg: Config, output_dir: str, phase: str = 'train', number: int = 20) -> list[str]:
    """Write images as the model gets them, with their annotations painted over.

    The first three of more channels are shown; other types than 8 bits are scaled by their range.

    Args:
        cfg: A complete config.
        output_dir: Folder for the images.
        phase: ``'train'``, ``'val'`` or ``'test'``: the dataloader to take samples from.
        number: How many samples, beginning with the first.

    Returns:
        The paths written.
    """
    if not cfg.get(f'{phase}_dataloader'):
        raise ValueError(f'The config has no {phase}_dataloader: add it, or browse another --phase.')
    check_data(cfg, (phase,))
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    dataset = DATASETS.build(cfg[f'{phase}_dataloader'].dataset)
    overrides = {'vis_backends': None, 'name': f'browse_{output_dir}'}  # equal names share a visualizer
    visualizer = VISUALIZERS.build({'alpha': 0.5, **cfg.visualizer, **overrides})
    visualizer.dataset_meta = dataset.metainfo
    files, paths = ImageFiles(dataset), []
    for index in track_iter_progress(range(min(number, len(dataset)))):
        packed = dataset[index]
        sample = packed['data_samples']
        is_rgb = files.loads_rgb(sample.img_path)
        image = to_rgb(packed['inputs'].numpy().transpose(1, 2, 0), is_rgb)
        annotation = sample.get('gt_panoptic_seg', sample.get('gt_sem_seg'))
        if annotation is not None:  # test pipelines leave the labels at their own size
            image = mmcv.imresize(image, annotation.shape[::-1])
        name = osp.splitext(osp.basename(sample.img_path))[0]
        paths.append(osp.join(output_dir, f'{index:05d}_{name}.png'))
        visualizer.add_datasample(name, image, sample, draw_pred=False, out_file=paths[-1])
    return paths
