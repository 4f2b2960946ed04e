"""Folders to train on."""

from __future__ import annotations

from pathlib import Path

import pytest
from drawn_folders import draw_blobs


@pytest.fixture
def blobs(tmp_path) -> Path:
    """Eight images with label maps of three classes."""
    return draw_blobs(tmp_path / 'blobs')
