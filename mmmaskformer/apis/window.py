"""A window that shows results."""

from __future__ import annotations

import os
import sys

import cv2

from .results import SegmentationResult

TITLE = 'mmmaskformer'
QUIT = (ord('q'), 27)  # Esc


def check_screen() -> None:
    """See that there is a screen: without one, OpenCV's window would end the process.

    Raises:
        ValueError: There is none.
    """
    if sys.platform.startswith('linux') and not (
        os.environ.get('DISPLAY') or os.environ.get('WAYLAND_DISPLAY')
    ):
        raise ValueError('There is no screen to show results on: leave show (--show) out.')


def show_result(result: SegmentationResult) -> bool:
    """Show a result: a frame of a video in passing, an image until a key is pressed.

    Returns:
        Whether to go on: False after q or Esc.

    Raises:
        ValueError: OpenCV was built without windows.
    """
    try:
        cv2.imshow(TITLE, result.draw())
        key = cv2.waitKey(1 if result.input_image.clip is not None else 0)
    except cv2.error as error:
        raise ValueError(f'No window can be opened here ({error.err}): leave show (--show) out.') from None
    return key & 0xFF not in QUIT
