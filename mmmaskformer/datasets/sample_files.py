"""Checks of the files of one sample that decode no image: headers, sizes, and the ids of panoptic PNGs."""

from __future__ import annotations

from typing import Any, NamedTuple

from .image_headers import ImageHeader, read_header
from .pipelines import flatten_transforms
from .transforms import LoadPanopticAnnotations


class SampleFiles(NamedTuple):
    """Files of a sample.

    Attributes:
        image: Path of the image, ``''`` where it is not known.
        annotation: Path of the label map or panoptic PNG.
        is_panoptic: Whether it is a panoptic PNG.
    """

    image: str
    annotation: str | None
    is_panoptic: bool


class FileCheck(NamedTuple):
    """Result of `check_files`.

    Attributes:
        files: The files of the sample.
        header: Size and kind of the image, None if it cannot be read.
        faults: By path, why training cannot use a file.
    """

    files: SampleFiles
    header: ImageHeader | None
    faults: dict[str, str]


def files_of(info: dict) -> SampleFiles:
    """The files that a data set lists for a sample."""
    return SampleFiles(info.get('img_path') or '', info.get('seg_map_path'), 'segments_info' in info)


def check_files(dataset: Any, index: int, check_ids: bool = True) -> FileCheck:
    """Check the image of a sample, and that its annotation has the same size.

    Args:
        dataset: A data set that is not a wrapper.
        index: Number of the sample.
        check_ids: Also decode the panoptic PNG and look its ids up in the JSON file.
    """
    info = dataset.get_data_info(index)
    files = files_of(info)
    backend_args = getattr(dataset, 'backend_args', None)
    try:
        header = read_header(files.image, backend_args)
    except Exception as error:
        return FileCheck(files, None, {files.image: str(error)})
    faults = _size_faults(info, files, header, backend_args)
    if check_ids and files.is_panoptic and files.annotation is not None:
        faults.update(_id_faults(dataset, info, files.annotation))
    return FileCheck(files, header, faults)


def _size_faults(
    info: dict, files: SampleFiles, header: ImageHeader, backend_args: dict | None
) -> dict[str, str]:
    """Compare the size of the image with that in the annotation file and that of the label map."""
    size = f'{header.width}x{header.height}'
    allowed = [(header.height, header.width)]
    if header.turned:  # annotations may fit the stored pixels or the turned ones
        allowed.append((header.width, header.height))
    listed = info.get('listed_shape')
    if listed is not None and tuple(listed) not in allowed:
        return {files.image: f'it is {size} pixels, but the annotation file says {listed[1]}x{listed[0]}'}
    if files.annotation is None:
        return {}
    try:
        annotated = read_header(files.annotation, backend_args)
    except Exception:  # missing, or not an image file: the loader of annotations reports it
        return {}
    if (annotated.height, annotated.width) in allowed:
        return {}
    return {files.annotation: f'it is {annotated.width}x{annotated.height} pixels, but its image is {size}'}


def _id_faults(dataset: Any, info: dict, path: str) -> dict[str, str]:
    """Load the panoptic PNG as the data set's pipeline does."""
    transforms = flatten_transforms(getattr(dataset, 'pipeline', None))
    loaders = [transform for transform in transforms if isinstance(transform, LoadPanopticAnnotations)]
    if not loaders:
        return {}
    loader = LoadPanopticAnnotations(loaders[0].backend_args)
    loader._logged = True  # the loader of the data pipeline logs segments without pixels
    try:
        loader(dict(info))
    except FileNotFoundError:  # counted among the missing files
        return {}
    except Exception as error:
        return {path: str(error)}
    return {}
