"""A window that shows results."""

from __future__ import annotations

import cv2

from .results import SegmentationResult

TITLE = 'mmmaskformer'
QUIT = (ord('q'), 27)  # Esc


def show_result(result: SegmentationResult) -> bool:
    """Show a result: a frame of a video in passing, a picture until a key is pressed.

    Returns:
        Whether to go on: False after q or Esc.

    Raises:
        ValueError: There is no screen, or OpenCV was built without windows.
    """
    try:
        cv2.imshow(TITLE, result.draw())
        key = cv2.waitKey(1 if result.picture.clip is not None else 0)
    except cv2.error as error:
        raise ValueError(f'No window can be opened here ({error.err}): leave --show out.') from None
    return key & 0xFF not in QUIT
