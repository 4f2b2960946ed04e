"""Sentences about a survey: three lines of summary, and likely mistakes."""

from __future__ import annotations

import os.path as osp
from collections import Counter
from statistics import median

from ..utils import shown
from .coco_json import counted
from .dataset_files import UNNAMED
from .survey import Survey

RAREST = 3
"""Classes that the line of classes names."""


def summary_lines(found: Survey, num_queries: int | None) -> list[str]:
    """One line about the images, one about the classes and one about the segments."""
    return [_images_line(found), _classes_line(found), _segments_line(found, num_queries)]


def likely_mistakes(found: Survey, num_queries: int | None, ignored: int | None = None) -> list[str]:
    """What is likely to be a mistake, a sentence each.

    Args:
        found: The survey.
        num_queries: Of the model, if it has queries.
        ignored: Label of pixels of no class, if it is known.
    """
    lines = [
        f'{counted(len(names), reason)} ({shown(names)})'
        for reason, names in found.left_out.items()
        if reason != UNNAMED
    ]
    if found.unreadable:
        path, reason = next(iter(found.unreadable.items()))
        files = counted(len(found.unreadable), 'files cannot be used')
        lines.append(f'{files}, the first is {path} ({reason})')
    if found.complete and found.absent:
        verb = 'occurs' if len(found.absent) == 1 else 'occur'
        lines.append(
            f'{len(found.absent)} of {counted(len(found.classes), "classes")} never {verb}: '
            f'{shown(found.absent, 10)}.'
        )
    lines += _binary_masks(found)
    labels = sorted(set(found.outside) - {ignored})
    if ignored is not None and labels:
        lines.append(
            f'labels that are neither a class (0 to {len(found.classes) - 1}) nor ignored ({ignored}): '
            f'{shown(labels, 10)}'
        )
    if num_queries is not None and found.num_segments:
        lines += _more_segments_than_queries(found, num_queries)
    return lines


def sizes_line(found: Survey) -> str:
    """Smallest, median and largest size, by area, as width x height."""
    sizes = sorted(
        ((header.width, header.height) for header in found.headers), key=lambda size: size[0] * size[1]
    )
    if not sizes:
        return 'sizes unknown'
    first, middle, last = (f'{w}x{h}' for w, h in (sizes[0], sizes[len(sizes) // 2], sizes[-1]))
    return first if first == last else f'{first} to {last} pixels (median {middle})'


def image_kinds(found: Survey) -> Counter[str]:
    """Number of images by channels and bits."""
    return Counter(
        f'{header.channels} channel{"s" * (header.channels > 1)} of {header.bits} bits'
        for header in found.headers
    )


def _images_line(found: Survey) -> str:
    suffixes = ', '.join(suffix or 'no suffix' for suffix in found.suffixes)
    repeated = f' ({found.num_samples:,} samples)' if found.num_samples != found.num_images else ''
    examined = 'all' if found.complete else f'{found.num_examined:,}'
    return (
        f'{counted(found.num_images, "images")}{repeated}, {suffixes}, {sizes_line(found)}, '
        f'{", ".join(image_kinds(found))}; looked at {examined} of {found.num_images:,}'
    )


def _classes_line(found: Survey) -> str:
    seen = [place for place, number in enumerate(found.segments) if number]
    rarest = sorted(seen, key=lambda place: found.images[place])[:RAREST]
    rare = ', '.join(
        f'{found.classes[place]} ({found.images[place] / max(found.num_examined, 1):.1%} of images)'
        for place in rarest
    )
    void = f'; no class: {found.void_pixels / found.known_pixels:.1%} of pixels' if found.known_pixels else ''
    absent = f'; not seen: {shown(found.absent, 5)}' if found.absent else ''
    return (
        f'{len(seen)} of {counted(len(found.classes), "classes")} seen, rarest {rare or "none"}{absent}{void}'
    )


def _segments_line(found: Survey, num_queries: int | None) -> str:
    if not found.num_segments:
        return 'no segments'
    path, most = max(found.num_segments.items(), key=lambda item: item[1])
    queries = '' if num_queries is None else f'; the model has {num_queries} queries'
    middle = median(found.num_segments.values())
    return f'segments per image: median {middle:g}, at most {most} ({osp.basename(path)}){queries}'


def _more_segments_than_queries(found: Survey, num_queries: int) -> list[str]:
    """Images, and mosaics of the image with most segments, that training would refuse."""
    most = max(found.num_segments.values())
    largest = found.images_per_sample * most
    if not found.has_segments:  # classes that several images of a mosaic have count once
        largest = max(most, min(largest, len(found.classes)))
    crowded = [path for path, number in found.num_segments.items() if number > num_queries]
    lines = []
    if crowded:
        lines.append(
            f'more segments than the {num_queries} queries of the model in '
            f'{counted(len(crowded), "images")} ({shown(crowded)}): set num_queries to {largest} or more'
        )
    elif largest > num_queries:
        lines.append(
            f'SegmentMosaic joins {found.images_per_sample} images of up to {most} segments: a mosaic may '
            f'have {largest}, more than the {num_queries} queries of the model, which is an error in '
            f'training: set num_queries to {largest} or more'
        )
    return lines


def _binary_masks(found: Survey) -> list[str]:
    """For masks of 0 and 255, which annotation tools write for one class (255) and its background (0)."""
    only_first = found.segments.any() and not found.segments[1:].any()
    if found.translated or set(found.outside) != {255} or not only_first:
        return []
    void = max(found.file_labels or (255,))  # 65535 in files of 16 bits
    background, *classes = found.classes
    held = f'the label maps hold 0 and {void} alone: 0 is learned as {background!r}, and {void} is no class'
    if classes:
        return [f'{held}. If {void} stands for {classes[0]!r}, replace it by 1 in the files.']
    return [
        f'{held}. If {void} stands for {background!r} and 0 for all else, replace {void} by 1 in the files '
        'and set reduce_zero_label=True in the data sets, or give the background a class of its own: '
        f"classes=('background', {background!r}), num_classes=2."
    ]
