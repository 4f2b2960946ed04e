"""What a server needs of a model, whatever runs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray


class UnusableImageError(ValueError):
    """The model cannot take an image; the message is for the client."""


class Job(NamedTuple):
    """An image to predict.

    Attributes:
        path: Its file.
        name: What the client calls it.
        tasks: Results wanted, in the order of the model's tasks.
    """

    path: Path
    name: str
    tasks: tuple[str, ...]


class ServedModel(Protocol):
    """A model behind a server.

    Attributes:
        name: What people call it.
        classes: Its `Classes`.
        tasks: Results that it gives.
        settings: Facts on it for ``/model``, as JSON takes them.
    """

    name: str
    classes: Any
    tasks: tuple[str, ...]
    settings: dict[str, Any]

    def predict(self, jobs: Sequence[Job]) -> list[Any]:
        """A `SegmentationResult`, or an `UnusableImageError`, for each job."""

    def overlay(self, result: Any, alpha: float) -> NDArray[Any]:
        """The predictions over their image, ``(H, W, 3)`` uint8 RGB."""


def by_tasks(
    jobs: Sequence[Job], predict: Callable[[list[Job], tuple[str, ...]], Sequence[Any]]
) -> list[Any]:
    """Predict jobs with the same tasks together; the answers come in the order of the jobs."""
    answers: list[Any] = [None] * len(jobs)
    for tasks in dict.fromkeys(job.tasks for job in jobs):
        places = [place for place, job in enumerate(jobs) if job.tasks == tasks]
        for place, answer in zip(places, predict([jobs[place] for place in places], tasks)):
            answers[place] = answer
    return answers
