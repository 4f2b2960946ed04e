"""Where an image lies on a map, by the tags of a GeoTIFF, which are copied to what is written of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

SCALE, TIEPOINT, TRANSFORMATION = 33550, 33922, 34264
KEYS, DOUBLES, TEXTS = 34735, 34736, 34737
TYPES = {SCALE: 12, TIEPOINT: 12, TRANSFORMATION: 12, KEYS: 3, DOUBLES: 12, TEXTS: 2}
"""TIFF's types of the tags: 12 is a double, 3 a short, 2 text."""
PROJECTED, GEOGRAPHIC = 3072, 2048
RASTER_TYPE, PIXEL_IS_POINT = 1025, 2
USER_DEFINED = 32767


class Georeference:
    """The tags of a GeoTIFF that say where it lies.

    Args:
        tags: Values by number of the tag.

    Example:
        >>> place = read_georeference('town.tif')
        >>> place.epsg, place.to_map(0, 0)
        (25833, [392000.0, 5820000.0])
    """

    def __init__(self, tags: dict[int, Any]) -> None:
        self.tags = tags
        self._keys = _directory(tags.get(KEYS, ()))

    @property
    def epsg(self) -> int | None:
        """Number of the reference system; None if it has none."""
        found = self._keys.get(PROJECTED) or self._keys.get(GEOGRAPHIC)
        return None if found in (None, 0, USER_DEFINED) else found

    @property
    def crs(self) -> dict[str, Any]:
        """The reference system, as GeoJSON files name it."""
        return dict(type='name', properties=dict(name=f'urn:ogc:def:crs:EPSG::{self.epsg}'))

    def to_map(self, x: float, y: float) -> list[float]:
        """A point of the image, 0, 0 being the corner of its first pixel, on the map."""
        if self._keys.get(RASTER_TYPE) == PIXEL_IS_POINT:  # tags count from the middle of pixels
            x, y = x - 0.5, y - 0.5
        if TRANSFORMATION in self.tags:
            m = self.tags[TRANSFORMATION]
            return [m[0] * x + m[1] * y + m[3], m[4] * x + m[5] * y + m[7]]
        (width, height), tie = self.tags[SCALE][:2], self.tags[TIEPOINT]
        return [tie[3] + (x - tie[0]) * width, tie[4] - (y - tie[1]) * height]

    def write(self, numbers: NDArray[Any], path: Path) -> Path:
        """Write a map ``(H, W)`` of 8 or 16 bits as a TIFF with these tags."""
        info = ImageFileDirectory_v2()
        for tag, value in self.tags.items():
            info.tagtype[tag] = TYPES[tag]
            info[tag] = value
        path.parent.mkdir(parents=True, exist_ok=True)
        small = numbers.dtype if numbers.dtype.itemsize < 3 else np.uint16
        Image.fromarray(numbers.astype(small)).save(path, tiffinfo=info, compression='tiff_adobe_deflate')
        return path


def read_georeference(path: str | Path) -> Georeference | None:
    """The georeference of a file; None if it has none or is not a TIFF. Pixels are not decoded."""
    if not str(path).lower().endswith(('.tif', '.tiff')) or not Path(path).is_file():
        return None
    try:
        tags = _read_tags(Path(path))
    except (OSError, SyntaxError, ValueError, KeyError):
        return None
    placed = TRANSFORMATION in tags or (SCALE in tags and TIEPOINT in tags)
    return Georeference(tags) if placed else None


def _read_tags(path: Path) -> dict[int, Any]:
    with path.open('rb') as file:
        header = file.read(8)
        if header[2] == 43:  # of large files
            header += file.read(8)
        directory = ImageFileDirectory_v2(header)
        file.seek(directory.next)
        directory.load(file)
        return {tag: directory[tag] for tag in TYPES if tag in directory}


def _directory(values: Any) -> dict[int, int]:
    """Keys whose value is a number: four numbers each, after four of the head."""
    numbers = list(values)
    entries = [numbers[place : place + 4] for place in range(4, len(numbers) - 3, 4)]
    return {key: value for key, location, _, value in entries if location == 0}
