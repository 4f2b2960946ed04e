"""Loading that names the file it could not read, and refuses labels that do not fit their image."""

from collections.abc import Iterator
from contextlib import contextmanager

from mmcv.transforms import LoadImageFromFile as MMCVLoadImageFromFile
from mmseg.datasets.transforms import LoadAnnotations as MMSegLoadAnnotations
from PIL import Image

from mmmaskformer.registry import TRANSFORMS


@contextmanager
def naming_the_file(kind: str, path: str) -> Iterator[None]:
    """Turn what goes wrong while a file is read into a sentence that says which file and what to do."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f'The {kind} {path} does not exist: restore the file, or take its sample out of the data set.'
        ) from error
    except Exception as error:
        reason = str(error).strip() or type(error).__name__
        raise ValueError(
            f'The {kind} {path} cannot be read ({reason}): '
            'replace the file, or take its sample out of the data set.'
        ) from error


@TRANSFORMS.register_module()
class LoadImageFromFile(MMCVLoadImageFromFile):
    """MMCV's loader, except that an unreadable image is named together with what to do about it.

    Raises:
        FileNotFoundError: The image is missing.
        ValueError: The file is no image that can be decoded.
    """

    def transform(self, results: dict) -> dict | None:
        """Load the image at ``results['img_path']``."""
        with naming_the_file('image', results['img_path']):
            return super().transform(results)


@TRANSFORMS.register_module()
class LoadAnnotations(MMSegLoadAnnotations):
    """MMSegmentation's loader of label maps, which also checks what it read.

    Raises:
        FileNotFoundError: The label map is missing.
        ValueError: The file cannot be decoded, has several channels or 16 bits, or differs in size from its
            image; or ``reduce_zero_label`` contradicts the data set's.
    """

    def _load_seg_map(self, results: dict) -> None:
        path, reduced = results['seg_map_path'], results['reduce_zero_label']
        if self.reduce_zero_label not in (None, reduced):
            raise ValueError(
                f'reduce_zero_label is {self.reduce_zero_label} in LoadAnnotations, but {reduced} in the '
                'data set: leave it out of LoadAnnotations, which then does as the data set says.'
            )
        with naming_the_file('label map', path):
            if not self.backend_args and Image.open(path).mode.startswith(('I', 'F')):
                raise ValueError('it has more than 8 bits per pixel, and labels beyond 255 would wrap')
            super()._load_seg_map(results)
        shape = results['gt_seg_map'].shape
        if len(shape) != 2:
            raise ValueError(
                f'The label map {path} has shape {shape}, but one label per pixel is expected: '
                'convert it to a PNG with a single channel of class numbers.'
            )
        expected = results.get('ori_shape')
        if expected is not None and shape != tuple(expected):
            raise ValueError(
                f'The label map {path} is {shape[1]}x{shape[0]} pixels, but its image '
                f'{results["img_path"]} is {expected[1]}x{expected[0]}: '
                'correct the pair, or check data_prefix and seg_map_suffix.'
            )
