"""What an image is called, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from numpy.typing import NDArray


class Clip(NamedTuple):
    """The video that a frame belongs to: its name among the outputs, and its frames per second."""

    name: str
    fps: float


@dataclass
class InputImage:
    """An image to predict from, not read yet unless it was given as array or comes from a video.

    Attributes:
        name: Where its outputs go: a path without suffix, ``/`` between folders; no two images of one
            stream have the same.
        path: Its file, or the file of its video; None for an array and a camera.
        image: ``(H, W, 3)`` uint8 BGR, or what the user gave; None while it is a file.
        frame: Number of the frame, from 0; None for what is not a video.
        clip: The video it belongs to.
    """

    name: str
    path: str | None = None
    image: NDArray[Any] | None = None
    frame: int | None = None
    clip: Clip | None = None

    def __str__(self) -> str:
        frame = '' if self.frame is None else f', frame {self.frame}'
        return f'{self.path or self.name}{frame}'
