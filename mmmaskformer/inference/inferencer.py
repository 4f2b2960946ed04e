"""Images in, results out, in one call."""

from __future__ import annotations

import logging
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from mmengine.config import Config, ConfigDict
from mmengine.logging import print_log
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from torch import nn

from ..checkpoints.fit_to_model import channels_of
from ..checkpoints.hub import download, model_on_hub
from .model_loading import load_model
from .preparation import Preparation, UnreadableImageError, batched, pipeline_of, read_ahead
from .result_segments import Classes
from .segmentation_result import SegmentationResult
from .settings import choose_device, choose_dtype, test_cfg_for, use_test_cfg, with_scores
from .sources import InputImage, Inputs, Source, open_source
from .tiled_prediction import TiledPrediction, Tiling
from .video import check_screen, show_image
from .writers import ResultWriter, check_formats

if TYPE_CHECKING:
    from typing_extensions import Self

NAMED_SKIPPED = 3
Results = Generator[SegmentationResult, None, None]


class MaskFormerInferencer:
    """Predicts from images, folders, videos and cameras, with any config and checkpoint.

    Results are those of evaluation: the same reading, resizing and thresholds. They do not depend on
    ``batch_size``; images of one size in a batch run together.

    Args:
        model: Config, its path, or the name of a config of this project (``'r50_ade20k'``); or a built
            model; or None, for the config that a checkpoint of MMEngine's runner carries, or the one of this
            project that has its shapes.
        weights: Path or URL of a checkpoint, ours, official, HuggingFace's (a folder, or ``hf://ORG/NAME`` of
            the hub), mmseg's or mmdet's; None keeps the weights of a built model.
        device: ``'cpu'``, ``'cuda'``, ``'cuda:1'``, or ``'auto'`` (the default): a GPU if there is one.
        dtype: ``'fp32'``, or for automatic mixed precision ``'bf16'`` or (on GPUs) ``'fp16'``.
        tasks: Results to predict, of ``'semantic'``, ``'panoptic'`` and ``'instance'``; None takes
            those of the config's ``test_cfg``.
        classes: Metainfo (``classes``, ``palette``, ``thing_classes``) for a model that does not know its
            own, or in place of it.
        pipeline: Configs of the transforms; None takes the config's test pipeline.

    Raises:
        FileNotFoundError: Config or checkpoint do not exist.
        ValueError: Weights do not fit the model, or an argument is unknown.
    """

    def __init__(
        self,
        model: str | Path | Config | nn.Module | None = None,
        weights: str | Path | None = None,
        device: str | torch.device | None = None,
        dtype: str = 'fp32',
        tasks: str | Sequence[str] | None = None,
        classes: Mapping[str, Any] | None = None,
        pipeline: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        self.model: Any
        self.model, self.config, meta = load_model(model, weights, classes)
        self.device = choose_device(device, self.model)
        self.dtype = choose_dtype(dtype, self.device)
        self.test_cfg = test_cfg_for(tasks, self.model, meta)
        self.model.dataset_meta = meta
        self.model.to(self.device)
        self.classes = Classes.from_meta(meta)
        self.prepare = Preparation(pipeline or pipeline_of(self.config), channels_of(self.model))
        self.skipped: list[str] = []

    @classmethod
    def from_pretrained(
        cls,
        name: str,
        revision: str | None = None,
        cache_dir: str | Path | None = None,
        token: str | bool | None = None,
        local_files_only: bool = False,
        **options: Any,
    ) -> Self:
        """An inferencer of a model on the Hugging Face hub, or of a local folder of one; see docs/hub.md.

        Args:
            name: ``ORG/NAME``, ``hf://ORG/NAME``, or a folder.
            revision: Branch, tag or commit; None for the main branch.
            cache_dir: As `mmmaskformer.checkpoints.hub.download`, and so are the next two.
            token: For private and gated models.
            local_files_only: Take it from the cache.
            **options: As the constructor, but for ``weights``.

        Raises:
            ValueError: The model cannot be downloaded, has no safetensors, or does not fit.

        Example:
            >>> inferencer = MaskFormerInferencer.from_pretrained('facebook/maskformer-swin-tiny-ade')
        """
        if Path(name).is_dir():
            return cls(weights=name, **options)
        address = model_on_hub(name, revision)
        return cls(weights=download(address, cache_dir, token, local_files_only), **options)

    def __call__(self, inputs: Inputs, **options: Any) -> list[SegmentationResult]:
        """All results at once. Their maps stay in memory: use `stream` or `save` for many images.

        Args:
            inputs: As `stream`.
            **options: As `stream`.
        """
        results = []
        for result in self.stream(inputs, **options):
            if result.path is not None:  # read again for drawing
                result.image = None
            results.append(result)
        return results

    def stream(
        self,
        inputs: Inputs,
        batch_size: int = 1,
        skip_broken: bool = False,
        progress: bool = False,
        tile: int | Sequence[int] | None = None,
        overlap: int | None = None,
        probabilities: bool = False,
    ) -> Results:
        """Results one by one, in the order of the inputs, without keeping them in memory.

        Args:
            inputs: Path or URL of an image, array (BGR as OpenCV reads it), folder (with its subfolders),
                glob pattern, video file or stream, camera (``0``, ``'webcam:1'``), or a list or generator
                of these. At most three batches are read ahead, nothing of a camera.
            batch_size: How many images go through the network together.
            skip_broken: Skip images that are missing or cannot be read; ``skipped`` lists them.
            progress: Show a progress bar.
            tile: Size of overlapping tiles, or their (height, width), that larger images are predicted in,
                ``batch_size`` at a time; each is prepared as an image of its own. None predicts whole images.
            overlap: Least number of pixels that neighboring tiles share; None takes an eighth of a tile.
            probabilities: Keep the probabilities of the classes, ``result.probabilities``, of every pixel.

        Raises:
            FileNotFoundError: A path does not exist, or a folder or pattern holds no image.
            ValueError: The type of ``inputs`` is not supported, or an image cannot be read; a tile has no
                size, or half of it overlaps; there is no semantic result with probabilities.
        """
        if batch_size < 1:
            raise ValueError(f'batch_size={batch_size} is not a number of images: set it to 1 or more.')
        tiling = Tiling.of(tile, overlap)
        test_cfg = with_scores(self.test_cfg, self.model) if probabilities else self.test_cfg
        source = open_source(inputs, check=not skip_broken)
        self.skipped = []
        if tiling is None:
            results = self._stream(source, batch_size, skip_broken, test_cfg)
        else:
            results = self._stream_tiled(source, batch_size, skip_broken, test_cfg, tiling)
        if not progress:
            return results
        return _with_progress(results, source.total)

    def save(
        self,
        inputs: Inputs,
        folder: str | Path,
        formats: str | Sequence[str] | None = None,
        show: bool = False,
        **options: Any,
    ) -> int:
        """Predict and write files (see docs/inference.md), for any number of inputs.

        Args:
            inputs: As `stream`.
            folder: Where to; files of the same names are replaced.
            formats: Of `writers.FORMATS`; None writes those of `writers.BY_DEFAULT` that the kinds of result
                allow.
            show: Open a window with the overlays; q ends.
            **options: As `stream`.

        Returns:
            The number of results written.

        Raises:
            ValueError: As `stream`; a format is unknown or needs a result that was not requested; there is no
                screen.
        """
        if show:
            check_screen()
        if formats is not None and 'confidence' in check_formats(formats):
            options.setdefault('probabilities', True)
        number = 0
        with ResultWriter(folder, formats) as writer, closing(self.stream(inputs, **options)) as results:
            for result in results:
                writer.write(result)
                number += 1
                if show and not show_image(result.draw(), result.input_image.clip is not None):
                    break
        return number

    def _stream(self, source: Source, batch_size: int, skip_broken: bool, test_cfg: ConfigDict) -> Results:
        ahead = 0 if source.live else 2 * batch_size
        with closing(read_ahead(self.prepare, source.images, ahead)) as waiting:
            for batch in batched(waiting, batch_size):
                yield from self._predict(self._ready(batch, skip_broken), test_cfg)
        self._warn_of_skipped()

    def _stream_tiled(
        self, source: Source, batch_size: int, skip_broken: bool, test_cfg: ConfigDict, tiling: Tiling
    ) -> Results:
        predict = TiledPrediction(self.prepare, self._run, test_cfg, self.model, tiling, batch_size)
        for input_image in source.images:
            try:
                yield predict(input_image, self._result)
            except (FileNotFoundError, UnreadableImageError) as error:
                if not skip_broken:
                    raise
                self.skipped.append(str(error))
        self._warn_of_skipped()

    def _warn_of_skipped(self) -> None:
        if self.skipped:
            named = '; '.join(self.skipped[:NAMED_SKIPPED])
            more = ' ...' if len(self.skipped) > NAMED_SKIPPED else ''
            print_log(f'{len(self.skipped)} images were skipped: {named}{more}', 'current', logging.WARNING)

    def _ready(self, batch: Sequence[tuple[InputImage, Future]], skip_broken: bool) -> list[tuple]:
        """``(image, image, inputs and data sample)`` of the images that can be read."""
        ready = []
        for input_image, future in batch:
            try:
                ready.append((input_image, *future.result()))
            except (FileNotFoundError, UnreadableImageError) as error:
                if not skip_broken:
                    raise
                self.skipped.append(str(error))
        return ready

    def _predict(self, batch: Sequence[tuple], test_cfg: ConfigDict) -> list[SegmentationResult]:
        if not batch:
            return []
        input_images, images, packed = zip(*batch)
        samples = self._run(packed, test_cfg)
        return [
            self._result(input_image, image.shape[:2], image).take(sample, bool(test_cfg.get('seg_logits')))
            for input_image, image, sample in zip(input_images, images, samples)
        ]

    def _run(self, packed: Sequence[dict], test_cfg: ConfigDict) -> Sequence[Any]:
        """Data samples with predictions, of prepared images."""
        data = {key: [entry[key] for entry in packed] for key in ('inputs', 'data_samples')}
        autocast = torch.autocast(self.device.type, self.dtype, enabled=self.dtype is not None)
        with torch.inference_mode(), autocast, use_test_cfg(self.model, test_cfg):
            return self.model.test_step(data)

    def _result(
        self, input_image: InputImage, size: tuple[int, int], image: NDArray[Any] | None
    ) -> SegmentationResult:
        """A result without predictions."""
        settings: dict[str, Any] = dict(
            categories=self.classes, is_rgb=self.prepare.is_rgb, read=self.prepare.read
        )
        return SegmentationResult(replace(input_image, image=None), size, image=image, **settings)


def _with_progress(results: Results, total: int | None) -> Results:
    with closing(results):
        yield from track(results, 'predicting', total=total, console=Console(stderr=True))
