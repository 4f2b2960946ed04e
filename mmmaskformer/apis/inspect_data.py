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
"""Classes that the console shows; JSON has all."""


def inspect_dataset(
    cfg: Config,
    phases: Sequence[str] = ('train', 'val'),
    out: str | Path | None = None,
    number: int | None = None,
    show: bool = True,
) -> dict[str, dict]:
    """Look through the data of a config, without its transforms.

    Args:
        cfg: A complete config.
        phases: Whose data sets: of ``'train'``, ``'val'`` and ``'test'``.
        out: Folder for ``PHASE.json`` and ``PHASE.png``.
        number: Images to look at, evenly from first to last; None for all.
        show: Print tables.

    Returns:
        For each phase what ``PHASE.json`` holds, see docs/data_report.md.

    Raises:
        FileNotFoundError: A folder or file of the data set is missing.
        ValueError: The config has no such data set, or one that cannot be looked at.

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
            raise ValueError(f'the config has no {phase}_dataloader: choose other phases')
        found = survey(DATASETS.build(cfg[f'{phase}_dataloader'].dataset), number)
        reports[phase] = report_of(found, num_queries)
        if show:
            _print(Console(), phase, found, reports[phase], num_queries)
        if out is not None:
            _write(Path(out), phase, found, reports[phase], num_queries)
    return reports


def report_of(found: Survey, num_queries: int | None = None) -> dict[str, Any]:
    """A survey as plain values for JSON."""
    sizes = Counter(f'{header.width}x{header.height}' for header in found.headers)
    most = max(found.num_segments, key=found.num_segments.__getitem__, default=None)
    counts = list(found.num_segments.values())
    return dict(
        num_images=found.num_images,
        num_samples=found.num_samples,
        num_examined=found.num_examined,
        lines=summary_lines(found, num_queries),
        warnings=likely_mistakes(found, num_queries),
        suffixes=dict(found.suffixes),
        kinds=dict(image_kinds(found)),
        sizes=dict(sizes.most_common()),
        exif_turned=sorted(found.turned),
        unreadable=found.unreadable,
        repeated_names=found.repeated_names,
        left_out=found.left_out,
        classes={
            name: dict(images=int(images), segments=int(segments), pixels=int(pixels))
            for name, images, segments, pixels in zip(
                found.classes, found.images, found.segments, found.pixels
            )
        },
        absent_classes=found.absent,
        labels_outside={str(label): number for label, number in sorted(found.outside.items())},
        void_share=found.void_pixels / found.known_pixels if found.known_pixels else None,
        segments_per_image=dict(
            median=median(counts) if counts else None, max=max(counts, default=None), image=most
        ),
        num_queries=num_queries,
        images_above_num_queries=[
            path for path, segments in found.num_segments.items() if segments > (num_queries or segments)
        ],
    )


def _write(folder: Path, phase: str, found: Survey, report: dict, num_queries: int | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f'{phase}.json').write_text(json.dumps(report, indent=1, ensure_ascii=False) + '\n', 'utf-8')
    examined = max(found.num_examined, 1)
    draw_data_report(
        folder / f'{phase}.png',
        found.classes,
        [images / examined for images in found.images.tolist()],
        list(found.num_segments.values()),
        [(header.width, header.height) for header in found.headers],
        num_queries,
    )


def _print(console: Console, phase: str, found: Survey, report: dict, num_queries: int | None) -> None:
    console.print(_class_table(phase, found))
    for line in report['lines']:
        console.print(escape(line), soft_wrap=True)
    notes = [*report['warnings']]
    if UNNAMED in found.left_out:
        names = found.left_out[UNNAMED]
        notes.append(f'{counted(len(names), UNNAMED)} ({shown(names)})')
    if found.turned:
        notes.append(
            f'{counted(len(found.turned), "images")} with an EXIF orientation ({shown(found.turned)})'
        )
    if found.repeated_names:
        names = found.repeated_names
        notes.append(f'{counted(len(names), "file names")} used more than once ({shown(names)})')
    for note in notes:
        console.print(escape(f'- {note}'), soft_wrap=True)


def _class_table(phase: str, found: Survey) -> Table:
    table = Table(title=f'{phase}: classes, most images first')
    table.add_column('class')
    for title in ('images', '% of images', 'segments', '% of labelled pixels'):
        table.add_column(title, justify='right')
    order = sorted(range(len(found.classes)), key=lambda place: -found.images[place])
    cut = len(order) > MAX_ROWS
    shown_places = [*order[: MAX_ROWS // 2], None, *order[-MAX_ROWS // 2 :]] if cut else order
    total = found.pixels.sum()
    for place in shown_places:
        if place is None:
            table.add_row('...', f'({len(order) - MAX_ROWS} more)', '', '', '')
            continue
        share = f'{found.pixels[place] / total:.3%}' if total else '-'
        of_images = f'{found.images[place] / max(found.num_examined, 1):.1%}'
        table.add_row(
            escape(found.classes[place]),
            f'{found.images[place]:,}',
            of_images,
            f'{found.segments[place]:,}',
            share,
        )
    return table


def _num_queries(model: Any) -> int | None:
    """Number of queries that a model's config has, or its head's default; None for heads without."""
    head = model.get('decode_head') or {}
    if not isinstance(head, dict) or 'num_queries' in head:
        return head.get('num_queries') if isinstance(head, dict) else None
    cls = MODELS.get(head['type']) if isinstance(head.get('type'), str) else head.get('type')
    known = signature(cls).parameters if isclass(cls) else {}
    return known['num_queries'].default if 'num_queries' in known else None


def browse_dataset(cfg: Config, output_dir: str, phase: str = 'train', number: int = 20) -> list[str]:
    """Write images as the model gets them, with their annotations painted over.

    Of more than three channels the first three are shown; other types than 8 bits by their range.

    Args:
        cfg: A complete config.
        output_dir: Folder for the images.
        phase: ``'train'``, ``'val'`` or ``'test'``: whose dataloader is looked at.
        number: How many samples, from the first one on.

    Returns:
        The paths written.
    """
    if not cfg.get(f'{phase}_dataloader'):
        raise ValueError(f'The config has no {phase}_dataloader: add it, or browse another --phase.')
    check_data(cfg, (phase,))
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    dataset = DATASETS.build(cfg[f'{phase}_dataloader'].dataset)
    own = {'vis_backends': None, 'name': f'browse_{output_dir}'}  # visualizers of one name are one
    visualizer = VISUALIZERS.build({'alpha': 0.5, **cfg.visualizer, **own})
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
