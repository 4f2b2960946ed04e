"""Reading, writing and showing videos and images by OpenCV."""

from __future__ import annotations

import os
import os.path as osp
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
from numpy.typing import NDArray

from ..file_names import opencv_path

VIDEO_SUFFIXES = (
    '.avi', '.flv', '.m4v', '.mkv', '.mov', '.mp4', '.mpeg', '.mpg', '.ogv', '.ts', '.webm', '.wmv',
)  # fmt: skip
DEFAULT_FPS = 25.0
CODECS = (('.mp4', 'mp4v'), ('.avi', 'MJPG'))  # OpenCV always has the second
WINDOW_TITLE = 'mmmaskformer'
QUIT_KEYS = (ord('q'), 27)  # 27: Esc


@dataclass
class Video:
    """A video to read.

    Attributes:
        place: A file, a network stream, or the number of a camera.
        fps: Frames per second; 25 if the video does not define it.
        num_frames: Number of frames by the header of the file; None if it has none.
    """

    place: str | int
    fps: float
    num_frames: int | None

    def frames(self) -> Iterator[NDArray[Any]]:
        """The frames ``(H, W, 3)`` uint8 BGR, one at a time; the video is open meanwhile."""
        capture = _open(self.place)
        try:
            while True:
                success, frame = capture.read()
                if not success:
                    return
                yield frame
        finally:
            capture.release()


def open_video(place: str | int) -> Video:
    """Open a file, a network stream or the camera of this number, and read its properties.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: OpenCV cannot open it.
    """
    if isinstance(place, str) and '://' not in place and not osp.exists(place):
        raise FileNotFoundError(f'The video {place} does not exist: give another path.')
    capture = _open(place)
    fps, count = capture.get(cv2.CAP_PROP_FPS), int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    capture.release()
    return Video(place, fps if 0 < fps < 1000 else DEFAULT_FPS, count if count > 0 else None)


def _open(place: str | int) -> cv2.VideoCapture:
    capture = cv2.VideoCapture(opencv_path(place) if isinstance(place, str) else place)
    if capture.isOpened():
        return capture
    if isinstance(place, int):
        raise ValueError(f'Camera {place} cannot be opened: connect it, or give the number of another one.')
    raise ValueError(
        f'{place} cannot be opened as a video: the file is broken, or OpenCV does not know its format.'
    )


class VideoSink:
    """Writes images of one size as a video; the file begins with the first image.

    The format is MPEG-4 (``.mp4``), or Motion JPEG (``.avi``) where OpenCV was built without the former.
    Odd heights and widths are extended by one pixel, since MPEG-4 needs even ones.

    Args:
        path: The file, without suffix.
        fps: Frames per second.
    """

    def __init__(self, path: Path, fps: float) -> None:
        self.path = path
        self._fps = fps
        self._writer: cv2.VideoWriter | None = None
        self._size: tuple[int, ...] = ()

    def write(self, image: NDArray[Any]) -> None:
        """Append an image ``(H, W, 3)`` uint8 BGR.

        Raises:
            ValueError: It differs in size from the first one.
            OSError: The file cannot be written.
        """
        height, width = image.shape[:2]
        padded = cv2.copyMakeBorder(image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
        if self._writer is None:
            self._size = padded.shape
            self._writer = self._open((padded.shape[1], padded.shape[0]))
        if padded.shape != self._size:
            raise ValueError(
                f'{self.path}: a frame of {width}x{height} pixels does not fit a video that began with '
                f'{self._size[1]}x{self._size[0]}: write images instead.'
            )
        self._writer.write(padded)

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.release()

    def _open(self, size: tuple[int, int]) -> cv2.VideoWriter:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        for suffix, codec in CODECS:
            path = self.path.with_name(self.path.name + suffix)
            writer = cv2.VideoWriter(opencv_path(path), cv2.VideoWriter.fourcc(*codec), self._fps, size)
            if writer.isOpened():
                self.path = path
                return writer
        raise OSError(f'{self.path}: OpenCV can write neither MPEG-4 nor Motion JPEG there.')


def check_screen() -> None:
    """Check that there is a screen: without one, OpenCV ends the process when it opens a window.

    Raises:
        ValueError: There is no screen.
    """
    if sys.platform.startswith('linux') and not (
        os.environ.get('DISPLAY') or os.environ.get('WAYLAND_DISPLAY')
    ):
        raise ValueError('There is no screen to show results on: leave show (--show) out.')


def show_image(image: NDArray[Any], is_frame: bool) -> bool:
    """Show an image in a window.

    Args:
        image: ``(H, W, 3)`` uint8 BGR.
        is_frame: Return at once, as for a frame of a video; otherwise wait for a key.

    Returns:
        False if q or Esc was pressed, else True.

    Raises:
        ValueError: OpenCV was built without windows.
    """
    try:
        cv2.imshow(WINDOW_TITLE, image)
        key = cv2.waitKey(1 if is_frame else 0)
    except cv2.error as error:
        raise ValueError(f'No window can be opened here ({error.err}): leave show (--show) out.') from None
    return key & 0xFF not in QUIT_KEYS
