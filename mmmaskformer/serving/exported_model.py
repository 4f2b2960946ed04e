"""An exported model behind a server, without PyTorch: see `mmmaskformer.runtime`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..runtime import Segmenter
from ..runtime.images import read_rgb
from .served_model import Job, UnusableImageError, by_tasks


class ExportedModel:
    """See `ServedModel`.

    Args:
        folder: What ``mmmaskformer export`` has written.
        tasks: Results to serve; None serves all that the model has.
        threads: Threads of a prediction; None leaves it to onnxruntime.

    Raises:
        FileNotFoundError: The model does not exist.
        ValueError: It is of another version, or has no such results.
        ImportError: What runs it is not installed.
    """

    def __init__(
        self, folder: str | Path, tasks: Sequence[str] | None = None, threads: int | None = None
    ) -> None:
        self.segmenter = Segmenter(folder, threads=threads)
        self.name, self.classes = Path(folder).resolve().name, self.segmenter.classes
        given = ', '.join(self.segmenter.tasks)
        missing = [task for task in tasks or () if task not in self.segmenter.tasks]
        if missing:
            raise ValueError(
                f'{folder} has no {missing[0]} result: choose from {given}, or export it with --task.'
            )
        self.tasks = tuple(task for task in self.segmenter.tasks if not tasks or task in tasks)
        kept = ('format', 'precision', 'input', 'postprocess', 'license')
        self.settings: dict[str, Any] = {key: self.segmenter.metadata.get(key) for key in kept}

    def predict(self, jobs: Sequence[Job]) -> list[Any]:
        """See `ServedModel`."""
        return by_tasks(jobs, self._predict)

    def _predict(self, jobs: list[Job], tasks: tuple[str, ...]) -> list[Any]:
        images = [_read(job) for job in jobs]
        usable = [image for image in images if not isinstance(image, UnusableImageError)]
        results = iter(self.segmenter.batch(usable, tasks) if usable else ())
        return [image if isinstance(image, UnusableImageError) else next(results) for image in images]

    def overlay(self, result: Any, alpha: float) -> NDArray[Any]:
        """See `ServedModel`."""
        return result.overlay(alpha=alpha)


def _read(job: Job) -> NDArray[Any] | UnusableImageError:
    try:
        return read_rgb(job.path)
    except (ValueError, OSError) as error:
        return UnusableImageError(str(error).replace(str(job.path), job.name))
