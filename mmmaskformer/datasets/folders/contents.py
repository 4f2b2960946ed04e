"""What a folder of images and annotations holds, and the data sets that are made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..categories import default_color
from .splits import assign_splits

LeftOut = dict[str, list[str]]
"""What is left out: by reason, the names of the files."""


class FolderError(ValueError):
    """A folder that cannot be used: what was seen in it, and what is supported."""


@dataclass(frozen=True)
class ClassOfFolder:
    """A class of the annotations.

    Attributes:
        name: Its name.
        is_thing: Whether its segments are single objects.
        color: Red, green and blue; None if the folder has none.
    """

    name: str
    is_thing: bool = False
    color: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class Split:
    """A part of the images.

    Attributes:
        num_images: Its images that have annotations.
    """

    num_images: int


@dataclass(frozen=True)
class Sample:
    """An image with its annotation.

    Attributes:
        image: Its file, a path below the folder.
        split: ``'train'``, ``'val'``, ``'test'`` or ``'all'``.
        annotation: What the reader of the format makes of it.
        size: Height and width as viewers show the image.
        num_segments: Its segments, or its classes.
    """

    image: str
    split: str
    annotation: Any = field(repr=False)
    size: tuple[int, int] = (0, 0)
    num_segments: int = 0


@dataclass
class Reading:
    """The annotations of a folder in one format; subclasses write them for training.

    Attributes:
        root: The folder.
        format: Name of the format.
        task: ``'semantic'``, ``'panoptic'`` or ``'instance'``.
        classes: The classes in the order of their labels.
        samples: The images that have an annotation.
        left_out: What is left out, by reason.
        notes: Sentences for the user.
    """

    root: Path
    format: str
    task: str
    classes: list[ClassOfFolder]
    samples: list[Sample]
    left_out: LeftOut = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def write(self, samples: Mapping[str, Sequence[Sample]], out: Path, workers: int) -> dict[str, dict]:
        """Write lists, and what has to be converted, to a folder.

        Args:
            samples: By split.
            out: The folder, which exists.
            workers: Processes; 1 converts in this one.

        Returns:
            The config of each split's data set, without pipeline and metainfo.
        """
        raise NotImplementedError

    def metainfo(self) -> dict[str, Any]:
        """Metainfo of the data sets; none where their files have the classes."""
        return {}


@dataclass
class PreparedSet:
    """Data sets of a folder, ready for training.

    Attributes:
        task: ``'semantic'``, ``'panoptic'`` or ``'instance'``.
        classes: The classes in order.
        train_size: Images of the split ``'train'``.
        val_size: Images of the split ``'val'``.
        left_out: Number of files that are left out, by reason.
        configs: Configs of the data sets by split.
    """

    task: str
    classes: list[ClassOfFolder]
    train_size: int
    val_size: int
    left_out: dict[str, int]
    configs: dict[str, dict] = field(repr=False)

    def dataset(self, split: str) -> dict[str, Any]:
        """The config of a data set, without its pipeline.

        Args:
            split: ``'train'``, ``'val'``, or ``'test'`` where the folder has one.

        Raises:
            FolderError: There is no such split.
        """
        if split not in self.configs:
            raise FolderError(f'There is no split {split!r}; choose from {", ".join(self.configs)}.')
        return dict(self.configs[split])


@dataclass
class FolderContents:
    """What `look_at` found.

    Attributes:
        format: ``'label maps'``, ``'coco panoptic'``, ``'labelme'``, ...
        task: What the annotations allow: ``'semantic'``, ``'panoptic'`` or ``'instance'``.
        classes: The classes in the order of their labels.
        splits: ``'train'``, ``'val'`` and ``'test'``, as far as the folder has them, or just ``'all'``.
        image_sizes: Height and width of images, a sample of them.
        segments_per_image: Median and largest number of segments, in label maps of classes.
        num_channels: Channels of the images.
        left_out: Number of files that are left out, by reason.
        notes: What the user should know, in sentences.
        root: The folder.
        reading: The annotations.
    """

    format: str
    task: str
    classes: list[ClassOfFolder]
    splits: dict[str, Split]
    image_sizes: list[tuple[int, int]]
    segments_per_image: tuple[float, int]
    num_channels: int
    left_out: dict[str, int]
    notes: list[str]
    root: Path = field(repr=False)
    reading: Reading = field(repr=False)

    def prepare(
        self, out: str | Path, val_share: float = 0.2, seed: int = 0, workers: int = 0
    ) -> PreparedSet:
        """Write what training needs: lists of files, and conversions where files cannot be read in place.

        Images are never copied. What was converted by an earlier call stays as it is, so that an
        interrupted conversion goes on.

        Args:
            out: Folder to write to.
            val_share: Part of the images that is kept for validation if the folder has no such split.
            seed: Of the choice of these images.
            workers: Processes; 0 for one per core.

        Raises:
            FolderError: There are too few images for two splits.
            ValueError: A file cannot be converted; the message names it.
        """
        out = Path(out).absolute()
        out.mkdir(parents=True, exist_ok=True)
        (out / MARKER).write_text(f'Written by mmmaskformer from {self.root}.\n', encoding='utf-8')
        samples = assign_splits(self.reading.samples, val_share, seed)
        if not samples['train'] or not samples['val']:
            raise FolderError(
                f'{self.root} has {len(self.reading.samples)} images with annotations, '
                f'{len(samples["train"])} of them for training and {len(samples["val"])} for validation: at '
                'least one of each is needed.'
            )
        configs = self.reading.write(samples, out, workers)
        metainfo = self.reading.metainfo()
        extra = dict(metainfo=metainfo) if metainfo else {}
        return PreparedSet(
            task=self.task,
            classes=self.classes,
            train_size=len(samples['train']),
            val_size=len(samples['val']),
            left_out=counts_of(self.reading.left_out),
            configs={split: {**config, **extra} for split, config in configs.items()},
        )


MARKER = 'prepared-by-mmmaskformer.txt'
"""A file in folders that `FolderContents.prepare` wrote, which are not looked at again."""


def counts_of(left_out: LeftOut) -> dict[str, int]:
    """Number of files by reason."""
    return {reason: len(names) for reason, names in left_out.items() if names}


def splits_of(samples: Sequence[Sample]) -> dict[str, Split]:
    """Number of images of each split, in the order of training."""
    found = Counter(sample.split for sample in samples)
    return {split: Split(found[split]) for split in ('train', 'val', 'test', 'all') if found[split]}


def palette_of(classes: Sequence[ClassOfFolder]) -> list[list[int]]:
    """A color for each class, its own where it has one."""
    return [list(entry.color or default_color(place)) for place, entry in enumerate(classes)]
