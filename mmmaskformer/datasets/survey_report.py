"""What a survey found, in sentences."""

from __future__ import annotations

import os.path as osp
from collections import Counter
from statistics import median

from ..utils import shown
from .dataset_files import UNNAMED
from .survey import Survey

RAREST = 3
"""Classes that the line of classes names."""


def three_lines(found: Survey, num_queries: int | None) -> list[str]:
    """The images, the classes and the segments, a line each."""
    return [_images_line(found), _classes_line(found), _segments_line(found, num_queries)]


def warnings(found: Survey, num_queries: int | None, ignored: int | None = None) -> list[str]:
    """What is likely to be a mistake, a sentence each.

    Args:
        found: The survey.
        num_queries: Of the model, if it has queries.
        ignored: Label of pixels of no class, if it is known.
    """
    lines = [
        f'{count(len(names), reason)} ({shown(names)})'
        for reason, names in found.left_out.items()
        if reason != UNNAMED
    ]
    if found.unreadable:
        path, reason = next(iter(found.unreadable.items()))
        lines.append(
            f'{count(len(found.unreadable), "files cannot be read")}, the first is {path} ({reason})'
        )
    if found.complete and found.absent:
        lines.append(
            f'{len(found.absent)} of {count(len(found.classes), "classes")} never occur: '
            f'{shown(found.absent, 10)}.'
        )
    lines += _binary_masks(found)
    labels = sorted(set(found.outside) - {ignored})
    if ignored is not None and labels:
        lines.append(
            f'labels that are neither a class (0 to {len(found.classes) - 1}) nor ignored ({ignored}): '
            f'{shown(labels, 10)}'
        )
    crowded = [path for path, number in found.num_segments.items() if number > (num_queries or number)]
    if crowded:
        lines.append(
            f'more segments than the {num_queries} queries of the model in {count(len(crowded), "images")} '
            f'({shown(crowded)}): set num_queries to {max(found.num_segments.values())} or more'
        )
    return lines


def count(number: int, what: str) -> str:
    """A number and what it counts: ``'1 image'``, ``'2 images'``."""
    if number == 1:
        words = what.split(' ')
        words[0] = {'classes': 'class', 'images': 'image', 'files': 'file', 'annotations': 'annotation'}.get(
            words[0], words[0]
        )
        what = ' '.join(words)
    return f'{number:,} {what}'


def sizes_line(found: Survey) -> str:
    """Smallest, median and largest size, by area, as width x height."""
    sizes = sorted(((head.width, head.height) for head in found.heads), key=lambda size: size[0] * size[1])
    if not sizes:
        return 'sizes unknown'
    first, middle, last = (f'{w}x{h}' for w, h in (sizes[0], sizes[len(sizes) // 2], sizes[-1]))
    return first if first == last else f'{first} to {last} pixels (median {middle})'


def kinds(found: Survey) -> Counter[str]:
    """Images by channels and bits."""
    return Counter(
        f'{head.channels} channel{"s" * (head.channels > 1)} of {head.bits} bits' for head in found.heads
    )


def _images_line(found: Survey) -> str:
    suffixes = ', '.join(suffix or 'no suffix' for suffix in found.suffixes)
    repeated = f' ({found.num_samples:,} samples)' if found.num_samples != found.num_images else ''
    looked = 'all' if found.complete else f'{found.num_examined:,}'
    return (
        f'{count(found.num_images, "images")}{repeated}, {suffixes}, {sizes_line(found)}, '
        f'{", ".join(kinds(found))}; looked at {looked} of {found.num_images:,}'
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
        f'{len(seen)} of {count(len(found.classes), "classes")} seen, rarest {rare or "none"}{absent}{void}'
    )


def _segments_line(found: Survey, num_queries: int | None) -> str:
    if not found.num_segments:
        return 'no segments'
    most, number = max(found.num_segments.items(), key=lambda item: item[1])
    enough = '' if num_queries is None else f'; the model has {num_queries} queries'
    middle = median(found.num_segments.values())
    return f'segments per image: median {middle:g}, at most {number} ({osp.basename(most)}){enough}'


def _binary_masks(found: Survey) -> list[str]:
    """For masks of 0 and 255, which annotation tools write for one class (255) and its background (0)."""
    only_first = found.segments.any() and not found.segments[1:].any()
    if found.translated or set(found.outside) != {255} or not only_first:
        return []
    background, *classes = found.classes
    held = f'the label maps hold 0 and 255 alone: 0 is learned as {background!r}, and 255 is no class'
    if classes:
        return [f'{held}. If 255 stands for {classes[0]!r}, replace it by 1 in the files.']
    return [
        f'{held}. If 255 stands for {background!r} and 0 for all else, replace 255 by 1 in the files and set '
        'reduce_zero_label=True in the data sets, or give the background a class of its own: classes=('
        f"'background', {background!r}), num_classes=2."
    ]
