"""Results for other programs: GeoJSON, YOLO, COCO's results, GeoTIFF, confidences, detections."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..evaluation.coco_ap import encode_mask
from ..evaluation.prediction_files import number_labels, write_image, write_json
from ..outlines import joined, outlines_of
from .georeference import Georeference, read_georeference

if TYPE_CHECKING:
    from .segmentation_result import SegmentationResult

VECTOR_FORMATS = ('geojson', 'yolo', 'coco')
SUFFIXES = dict(geojson='.geojson', yolo='.txt', coco='.json')


def geojson_of(result: SegmentationResult) -> dict[str, Any]:
    """The segments of a result as a GeoJSON ``FeatureCollection``.

    Coordinates are pixels, x to the right and y down from the upper left corner of the image; of a file
    with a georeference they are those of its map, whose system is named in ``crs``.

    Args:
        result: The result; its segments, else instances, else regions are taken.
    """
    place = _georeference(result)
    features = [_feature(segment, place) for segment in result.found]
    crs = {} if place is None or place.epsg is None else dict(crs=place.crs)
    return dict(type='FeatureCollection', **crs, features=[feature for feature in features if feature])


def _feature(segment: Any, place: Georeference | None) -> dict[str, Any] | None:
    polygons = [[outline.outer, *outline.holes] for outline in outlines_of(segment.mask)]
    if not polygons:
        return None
    coordinates = [[_closed(ring, place) for ring in polygon] for polygon in polygons]
    kind = 'MultiPolygon' if len(coordinates) > 1 else 'Polygon'
    properties = dict(
        id=segment.id,
        category_id=segment.category_id,
        category=segment.name,
        isthing=segment.isthing,
        score=segment.score,
        area=segment.area,
    )
    geometry = dict(type=kind, coordinates=coordinates if len(coordinates) > 1 else coordinates[0])
    return dict(type='Feature', properties=properties, geometry=geometry)


def _closed(ring: list[tuple[int, int]], place: Georeference | None) -> list[list[float]]:
    """A ring as GeoJSON has it: the first corner again at the end, outer ones counterclockwise on a map."""
    points = [ring[0], *reversed(ring[1:]), ring[0]]
    return [[x, y] if place is None else place.to_map(x, y) for x, y in points]


def yolo_lines(result: SegmentationResult) -> list[str]:
    """A line of YOLO's segmentation format for each connected part of the segments; holes are joined."""
    height, width = result.size
    lines = []
    for segment in result.found:
        for outline in outlines_of(segment.mask):
            points = ' '.join(f'{x / width:.6f} {y / height:.6f}' for x, y in joined(outline))
            lines.append(f'{segment.category_id} {points}')
    return lines


def coco_results(result: SegmentationResult) -> list[dict[str, Any]]:
    """The segments as COCO's results list them, with run lengths; ``category_id`` is that of the files."""
    name = result.name
    found = []
    for segment in result.found:
        mask = segment.mask
        left, top, right, bottom = segment.bbox
        found.append(
            dict(
                image_id=int(name) if name.isascii() and name.isdigit() else name,
                category_id=result.categories.category_ids[segment.category_id],
                segmentation=encode_mask(mask),
                bbox=[left, top, right - left, bottom - top],
                area=int(np.count_nonzero(mask)),
                score=1.0 if segment.score is None else segment.score,
            )
        )
    return found


def detections_of(result: SegmentationResult) -> Any:
    """The segments as supervision's ``Detections``: boxes, masks, scores, classes and their names.

    Raises:
        ImportError: supervision is not installed.
    """
    try:
        import supervision
    except ImportError as error:
        raise ImportError(
            "to_supervision needs the package supervision: pip install 'mmmaskformer[supervision]'."
        ) from error
    found = result.found
    if not found:
        return supervision.Detections.empty()
    return supervision.Detections(
        xyxy=found.bboxes.astype(np.float32),
        mask=found.masks,
        confidence=np.nan_to_num(found.scores, nan=1.0).astype(np.float32),
        class_id=found.labels,
        data=dict(class_name=np.array(found.names)),
    )


def write_vectors(kind: str, result: SegmentationResult, folder: Path) -> Path:
    """Write a file of `VECTOR_FORMATS`."""
    path = folder / kind / f'{result.name}{SUFFIXES[kind]}'
    if kind != 'yolo':
        return write_json(geojson_of(result) if kind == 'geojson' else coco_results(result), path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(f'{line}\n' for line in yolo_lines(result)), encoding='utf-8')
    return path


def write_confidence(result: SegmentationResult, folder: Path) -> Path:
    """Write the probability of each pixel's class, 0 to 255."""
    confidence = (result.confidence.astype(np.float32) * 255).round().astype(np.uint8)
    return write_image(confidence, folder / 'confidence' / f'{result.name}.png')


def write_geotiff(result: SegmentationResult, folder: Path) -> Path:
    """Write the label map, or else the map of segment ids, as a TIFF in the place of its image.

    Raises:
        ValueError: There is neither.
    """
    numbers: NDArray[Any] | None = result.panoptic
    if result.semantic is not None:
        numbers = number_labels(result.semantic, len(result.categories.names))
    if numbers is None:
        raise ValueError(
            f"{result.input_image}: the format 'geotiff' needs a semantic or panoptic result: set tasks."
        )
    place = _georeference(result) or Georeference({})
    return place.write(numbers, folder / 'geotiff' / f'{result.name}.tif')


def _georeference(result: SegmentationResult) -> Georeference | None:
    return None if result.path is None else read_georeference(result.path)
