"""A trained model from the folder of its training, from a checkpoint, or from both config and checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..inference import MaskFormerInferencer, SegmentationResult
from ..inference.sources import Inputs


class TrainedModel(MaskFormerInferencer):
    """A `MaskFormerInferencer`, made by `load`."""

    def predict(self, images: Inputs, **options: Any) -> list[SegmentationResult]:
        """Predict from images.

        Args:
            images: A path, array, folder, URL, or a list of these.
            **options: As `MaskFormerInferencer.stream`.

        Example:
            >>> result = load('work_dirs/camvid').predict('street.jpg')[0]
            >>> result.save('predictions')
        """
        return self(images, **options)


def load(path: str | Path, checkpoint: str | Path | None = None, **options: Any) -> TrainedModel:
    """Load a trained model for prediction.

    Args:
        path: Folder of a training, of which the best checkpoint is taken, or else the last one; a checkpoint;
            or a config, with ``checkpoint``.
        checkpoint: The checkpoint, if ``path`` is a config.
        **options: As `MaskFormerInferencer`: ``device``, ``dtype``, ``tasks``, ...

    Raises:
        FileNotFoundError: There is no such file, or no checkpoint in the folder.

    Example:
        >>> results = load('work_dirs/camvid').predict('photos')
        >>> load('my_config.py', 'work_dirs/my_config/iter_600.pth', device='cpu')
    """
    if checkpoint is not None:
        return TrainedModel(path, checkpoint, **options)
    return TrainedModel(None, checkpoint_of(path), **options)


def checkpoint_of(path: str | Path) -> str:
    """The checkpoint that a path stands for.

    Args:
        path: A checkpoint, a URL, or the folder of a training.

    Returns:
        Of a folder the best checkpoint, or else the last one; HuggingFace's folders and all else as given.

    Raises:
        FileNotFoundError: The folder has none.
    """
    folder = Path(path)
    if not folder.is_dir() or any(folder.glob('*.safetensors')) or any(folder.glob('pytorch_model*')):
        return str(path)
    best = sorted(folder.glob('best_*.pth'), key=lambda file: file.stat().st_mtime)
    if best:
        return str(best[-1])
    last = folder / 'last_checkpoint'
    if last.is_file() and Path(last.read_text().strip()).is_file():
        return last.read_text().strip()
    rest = sorted(folder.glob('*.pth'), key=lambda file: file.stat().st_mtime)
    if not rest:
        raise FileNotFoundError(
            f'The folder {path} has no checkpoint (*.pth): give the work dir of a training that has '
            'validated or ended, or a checkpoint.'
        )
    return str(rest[-1])
