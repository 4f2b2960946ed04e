"""Predicts with an exported model: images in, `SegmentationResult` out, without PyTorch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .images import as_rgb, fill, padded_size, prepared_size, read_rgb, resize_image
from .input_image import InputImage
from .metadata import classes_of, read_metadata
from .resizing import OutputSize
from .results import SegmentationResult
from .sessions import open_session
from .tasks import set_result

Image = str | Path | NDArray[Any]


class Segmenter:
    """Predicts with the model in a folder that ``mmmaskformer export`` has written.

    Results are those of `MaskFormerInferencer`, to rounding.

    Args:
        folder: The folder.
        providers: Execution providers of onnxruntime, best first, for example ``['CUDAExecutionProvider']``;
            None runs on the CPU.
        threads: Threads of one prediction; None leaves it to onnxruntime.

    Attributes:
        metadata: Content of the folder's ``metadata.json``.
        classes: The classes of the model.
        tasks: Results that the model has, of ``'semantic'``, ``'panoptic'`` and ``'instance'``.

    Raises:
        FileNotFoundError: The folder or the model does not exist.
        ValueError: The folder is of another version, or a provider is not available.
        ImportError: What runs the model is not installed.

    Example:
        >>> segmenter = Segmenter('exported')
        >>> result = segmenter('street.jpg', task='panoptic')
        >>> [(segment.name, segment.area) for segment in result.segments]
        [('road', 80123), ('car', 2210)]
    """

    def __init__(
        self, folder: str | Path, providers: Sequence[Any] | None = None, threads: int | None = None
    ) -> None:
        self.metadata = read_metadata(Path(folder))
        self.classes = classes_of(self.metadata)
        self.tasks = tuple(self.metadata['tasks'])
        self._session = open_session(Path(folder) / Path(self.metadata['file']).name, providers, threads)

    def __call__(self, image: Image, task: str | Sequence[str] | None = None) -> SegmentationResult:
        """Predict from one image.

        Args:
            image: Path, or ``(H, W, 3)`` uint8 RGB.
            task: Results wanted, one or several; None takes all that the model has.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: It is not an image, or the model does not have such results.
        """
        return self.batch([image], task)[0]

    def batch(
        self, images: Iterable[Image], task: str | Sequence[str] | None = None
    ) -> list[SegmentationResult]:
        """Predict from several images; those of one size run together where the graph allows it.

        Args:
            images: As for one image.
            task: As for one image.
        """
        tasks = self._checked_tasks(task)
        results = [self._result(image, number) for number, image in enumerate(images)]
        inputs = [self._prepared(result) for result in results]
        for members in self._groups([image.shape for image in inputs]):
            of_group = [results[i] for i in members]
            self._predict(of_group, [inputs[i] for i in members], tasks)
        for result in results:
            if result.path is not None:  # read again for drawing
                result.image = None
        return results

    def _checked_tasks(self, task: str | Sequence[str] | None) -> tuple[str, ...]:
        tasks = self.tasks if task is None else (task,) if isinstance(task, str) else tuple(task)
        unknown = [name for name in tasks if name not in self.tasks]
        if unknown or not tasks:
            raise ValueError(
                f'This model has no {unknown[0] if unknown else "empty"} result: choose from '
                f'{", ".join(self.tasks)}, or export it with --task.'
            )
        return tasks

    def _result(self, image: Image, number: int) -> SegmentationResult:
        """A result without predictions, with its image."""
        is_path = isinstance(image, str | Path)
        rgb = read_rgb(image) if is_path else as_rgb(np.asarray(image))  # type: ignore[arg-type]
        name = Path(image).stem if is_path else f'image{number or ""}'  # type: ignore[arg-type]
        source = InputImage(name, str(image) if is_path else None)
        return SegmentationResult(
            source, rgb.shape[:2], self.classes, image=rgb, is_rgb=True, read=_read_again
        )

    def _prepared(self, result: SegmentationResult) -> NDArray[np.uint8]:
        assert result.image is not None
        return resize_image(result.image, prepared_size(*result.size, self.metadata['input']))

    def _groups(self, shapes: Sequence[tuple[int, ...]]) -> list[list[int]]:
        """Which images run together."""
        fixed, limit = self.metadata['input']['size'] is not None, self.metadata['input']['batch']
        groups: dict[Any, list[int]] = {}
        for index, shape in enumerate(shapes):
            groups.setdefault(None if fixed else shape, []).append(index)
        return [
            members[start : start + (limit or len(members))]
            for members in groups.values()
            for start in range(0, len(members), limit or len(members))
        ]

    def _predict(
        self, results: Sequence[SegmentationResult], images: Sequence[NDArray[np.uint8]], tasks: Sequence[str]
    ) -> None:
        settings = self.metadata['input']
        stacked = np.stack([fill(image, settings) for image in images])
        padding = (settings['batch'] or len(stacked)) - len(stacked)
        stacked = np.concatenate([stacked, np.repeat(stacked[-1:], padding, 0)]) if padding else stacked
        padded = padded_size(stacked.shape[1], stacked.shape[2], settings)
        sizes = [
            OutputSize(padded, image.shape[:2], result.size, self.metadata['mask_stride'])
            for image, result in zip(images, results)
        ]
        names = self._needed_outputs(tasks, sizes)
        outputs = dict(zip(names, self._session.run(names, stacked)))
        for index, (result, size) in enumerate(zip(results, sizes)):
            of_image = {name: values[index] for name, values in outputs.items()}
            set_result(result, of_image, size, tasks, self.metadata)

    def _needed_outputs(self, tasks: Sequence[str], sizes: Sequence[OutputSize]) -> list[str]:
        """The label map is taken from the graph where no image was resized, and computed here otherwise."""
        outputs = [str(name) for name in self.metadata['outputs']]
        as_it_is = 'label_map' in outputs and all(size.image == size.output for size in sizes)
        if as_it_is and list(tasks) == ['semantic']:
            return ['label_map']
        return [name for name in outputs if name != 'label_map' or (as_it_is and 'semantic' in tasks)]


def _read_again(source: InputImage) -> NDArray[np.uint8]:
    return read_rgb(str(source.path))
