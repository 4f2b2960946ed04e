"""The result of a prediction for one image: NumPy alone, with or without PyTorch in the environment."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .input_image import InputImage
from .overlay import paint
from .segments import Classes, Segment, SegmentList, of_map, packed


@dataclass
class SegmentationResult:
    """All predictions for one image; kinds that were not requested are None.

    Attributes:
        input_image: Name and file of the image, and the number of the frame.
        size: Height and width.
        categories: The classes of the model.
        semantic: Class of every pixel ``(H, W)``, uint8 (uint16 from 257 classes on); the head's
            ``ignore_index`` (255) where a single class was not found.
        panoptic: Segment of every pixel ``(H, W)``, 0 for none, of the smallest unsigned type.
        segments: The segments of ``panoptic``.
        instances: Objects, which may overlap, best first.
        probabilities: Of the classes in every pixel, ``(K, H, W)`` floats that sum to one (of a single class:
            its score); with ``probabilities=True`` of the inferencer alone.
        image: The image as the pipeline's loader gives it, mostly ``(H, W, 3)`` uint8 BGR, where it is kept.
        is_rgb: Whether that loader gives red, green, blue.
        read: Reads the file again; None reads it as OpenCV does.
    """

    input_image: InputImage
    size: tuple[int, int]
    categories: Classes
    semantic: NDArray[Any] | None = None
    panoptic: NDArray[Any] | None = None
    segments: SegmentList | None = None
    instances: SegmentList | None = None
    probabilities: NDArray[Any] | None = field(default=None, repr=False)
    image: NDArray[Any] | None = None
    is_rgb: bool = False
    read: Callable[[InputImage], NDArray[Any]] | None = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        """Where its files go: a path without suffix."""
        return self.input_image.name

    @property
    def path(self) -> str | None:
        """Its file, or that of its video."""
        return self.input_image.path

    @property
    def regions(self) -> SegmentList | None:
        """The classes of the label map, each with all its pixels as one mask; their ``id`` is index + 1."""
        if self.semantic is None:
            return None
        counts = np.bincount(self.semantic.ravel())[: len(self.categories.names)]
        regions = [
            self._segment(label + 1, label, None, of_map(self.semantic, label))
            for label in np.flatnonzero(counts).tolist()
        ]
        return SegmentList(regions, self.size)

    @property
    def found(self) -> SegmentList:
        """The segments, or without a panoptic result the instances, or else the regions."""
        for kind in (self.segments, self.instances, self.regions):
            if kind is not None:
                return kind
        return SegmentList([], self.size)

    @property
    def masks(self) -> NDArray[Any]:
        """Masks ``(N, H, W)`` bool of `found`."""
        return self.found.masks

    @property
    def classes(self) -> list[str]:
        """Names of the classes of `found`."""
        return self.found.names

    @property
    def scores(self) -> NDArray[Any]:
        """Confidences ``(N,)`` of `found`, nan for regions."""
        return self.found.scores

    @property
    def confidence(self) -> NDArray[Any]:
        """Probability of the class of every pixel ``(H, W)``, from 0 to 1.

        Raises:
            ValueError: Probabilities were not requested.
        """
        if self.probabilities is None:
            raise ValueError(
                f'{self.input_image}: there are no probabilities: predict with probabilities=True.'
            )
        return self.probabilities.max(0)

    def draw(
        self,
        image: NDArray[Any] | None = None,
        score_thr: float = 0.5,
        alpha: float = 0.6,
        with_labels: bool = True,
    ) -> NDArray[Any]:
        """Paint the predictions over the image.

        Args:
            image: The image, BGR, grey, or of other channels and types, of which an 8-bit view is shown (see
                `to_rgb`); None takes the stored one, or reads the file again as for the prediction.
            score_thr: Instances with lower scores are not painted.
            alpha: How much of the colors is seen, from 0 to 1.
            with_labels: Write the names of the classes.

        Returns:
            BGR uint8, of the image's size if one kind of result was requested; else a sheet with a panel
            for each kind, under its title.

        Raises:
            ValueError: The image was not stored, or differs in size.
        """
        return _of_full_package('drawing', 'draw_result')(self, image, score_thr, alpha, with_labels)

    def overlay(self, image: NDArray[Any] | None = None, alpha: float = 0.6) -> NDArray[Any]:
        """Paint the predictions over the image, without contours and names: see `draw` for these.

        Args:
            image: ``(H, W, 3)`` uint8 RGB; None takes the stored one, or reads the file again.
            alpha: How much of the colors is seen, from 0 to 1.

        Returns:
            ``(H, W, 3)`` uint8 RGB.

        Raises:
            ValueError: The image was not stored, or differs in size.
        """
        if image is None:
            stored = self.read(self.input_image) if self.image is None and self.read else self.image
            if stored is None:
                raise ValueError(
                    f'The image of {self.input_image} was not stored: give it to overlay(image).'
                )
            image = stored if self.is_rgb else stored[..., ::-1]
        return paint(self, image, alpha)

    def to_json(self) -> dict[str, Any]:
        """Everything as JSON takes it, masks as COCO's run lengths; see docs/inference.md."""
        height, width = self.size
        kinds = dict(semantic=self.regions, panoptic=self.segments, instances=self.instances)
        return dict(
            name=self.name,
            path=self.path,
            frame=self.input_image.frame,
            height=height,
            width=width,
            **{kind: [s.to_json() for s in items] for kind, items in kinds.items() if items is not None},
        )

    def to_geojson(self) -> dict[str, Any]:
        """The segments as polygons; see docs/inference.md."""
        return _of_full_package('vector_files', 'geojson_of')(self)

    def to_supervision(self) -> Any:
        """The segments as ``Detections`` of the package supervision.

        Raises:
            ImportError: It is not installed.

        Example:
            >>> detections = result.to_supervision()
            >>> detections[detections.confidence > 0.5].area
            array([4102, 977])
        """
        return _of_full_package('vector_files', 'detections_of')(self)

    def save(self, folder: str | Path, formats: str | Sequence[str] | None = None) -> list[Path]:
        """Write one result; `MaskFormerInferencer.save` writes many.

        Args:
            folder: Where to; files of the same name are replaced.
            formats: Of `writers.FORMATS`; None writes those of `writers.BY_DEFAULT` that the kinds of result
                allow.

        Returns:
            The files written.

        Raises:
            ValueError: A format is unknown, or needs a kind of result that was not requested.
        """
        return _of_full_package('writers', 'save_result')(self, folder, formats)

    def _segment(self, number: int, label: int, score: float | None, unpack: Any) -> Segment:
        names = self.categories.names
        return Segment(number, label, names[label], self.categories.is_thing(label), score, unpack)

    def take(self, sample: Any, with_scores: bool = False) -> SegmentationResult:
        """Copy the predictions of a data sample to the host; returns the result itself.

        Args:
            sample: mmseg's ``SegDataSample``.
            with_scores: Take the scores of the classes, too.
        """
        return _of_full_package('drawing', 'take_sample')(self, sample, with_scores)

    def set_semantic(self, labels: NDArray[Any]) -> None:
        """Set the label map ``(H, W)``."""
        self.semantic = _smallest(labels, max(len(self.categories.names) - 1, int(labels.max())))

    def set_scores(self, scores: NDArray[Any]) -> None:
        """Set the probabilities by scores ``(K, H, W)``: sums over queries, or logits if any is negative."""
        if scores.min() < 0:
            scores = np.exp(scores - scores.max(0))
        if len(scores) > 1:
            scores = scores / np.maximum(scores.sum(0, dtype=np.float32), 1e-12)
        self.probabilities = scores.clip(0, 1)

    def set_panoptic(self, ids: NDArray[Any], info: Sequence[Mapping[str, Any]]) -> None:
        """Set the id map ``(H, W)`` and its segments."""
        numbers = self.panoptic = _smallest(ids, len(info))
        segments = [
            self._segment(s['id'], s['category_id'], s['score'], of_map(numbers, s['id'])) for s in info
        ]
        self.segments = SegmentList(segments, self.size)

    def set_instances(self, objects: Iterable[tuple[int, float, NDArray[Any]]]) -> None:
        """Set the objects: class, score and mask ``(H, W)`` of each, best first."""
        instances = [
            self._segment(number, label, score, packed(mask))
            for number, (label, score, mask) in enumerate(objects, start=1)
        ]
        self.instances = SegmentList(instances, self.size)


def _smallest(numbers: NDArray[Any], largest: int) -> NDArray[Any]:
    """A map of small numbers in the smallest unsigned type that holds the largest."""
    return numbers.astype(np.uint8 if largest < 256 else np.uint16, copy=False)


def _of_full_package(module: str, name: str) -> Callable[..., Any]:
    """A function of ``mmmaskformer.inference``, which is imported when it is used.

    Raises:
        ImportError: The full package is not installed.
    """
    try:
        return getattr(importlib.import_module(f'mmmaskformer.inference.{module}'), name)
    except ImportError as error:
        raise ImportError(
            f'This needs the whole package (pip install mmmaskformer), not its runtime alone ({error}); '
            'overlay() and to_json() work without it.'
        ) from error
