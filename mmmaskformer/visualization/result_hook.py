"""Label maps and overlays of results, written during validation and testing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import mmcv
import numpy as np
from mmengine.evaluator import Evaluator
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from mmseg.evaluation import IoUMetric
from numpy.typing import NDArray

from ..datasets.dataset_files import ImageFiles
from ..evaluation.per_image_metric import PerImageMetric
from ..evaluation.prediction_files import number_labels, write_image
from ..registry import HOOKS
from .colors import to_rgb
from .samples import SheetStyle, draw_sample, read_semantic


@HOOKS.register_module()
class ResultHook(Hook):
    """Draws results, in place of mmseg's `SegVisualizationHook` and with its settings, and writes label maps.

    Files are named as the images lie below the image folder of the data set. Images are read by the loader of
    the data set's pipeline. Label maps are PNGs of 8 or 16 bits in the numbers of the data set's label files
    (see `number_labels`). In distributed testing each process writes the results of its images.

    A metric of mmseg that would write label maps itself (``output_dir`` of `IoUMetric`, which keeps 8 bits
    and the name without its folder) leaves that to the hook.

    Args:
        draw: Give images with results to the visualizer, in validation and, without ``show_dir``, in testing.
        interval: Draw one of so many batches.
        show: Show each image in a window, and do not store it.
        wait_time: Seconds to show a window.
        backend_args: Not used: the pipeline's loader knows where files are.
        out: Folder for the label maps of testing; None writes none.
        show_dir: Folder for the images of testing with their results painted over them; None writes none.
    """

    def __init__(
        self,
        draw: bool = False,
        interval: int = 50,
        show: bool = False,
        wait_time: float = 0.0,
        backend_args: dict | None = None,
        out: str | None = None,
        show_dir: str | None = None,
    ) -> None:
        self.draw, self.interval, self.show, self.wait_time = draw, interval, show, wait_time
        self.out = None if out is None else Path(out)
        self.show_dir = None if show_dir is None else Path(show_dir)
        self._files: dict[str, ImageFiles] = {}

    def before_test(self, runner: Runner) -> None:
        """Take over the files of mmseg's metrics, and give metrics of this package the names of images."""
        if self.show:
            runner.visualizer._vis_backends = {}
        loop = runner.test_loop
        self._take_over(loop.evaluator)
        for metric in loop.evaluator.metrics:
            if isinstance(metric, PerImageMetric) and metric.outfile_prefix:
                metric.name_of = self._files_of('test', loop).short_name

    def _take_over(self, evaluator: Evaluator) -> None:
        for metric in [metric for metric in evaluator.metrics if isinstance(metric, IoUMetric)]:
            if metric.output_dir is not None:
                self.out = self.out or Path(metric.output_dir)
                metric.output_dir = None
            if metric.format_only and self.out is not None:  # it has no other task
                evaluator.metrics.remove(metric)

    def _after_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any,
        outputs: Sequence[BaseDataElement],
        mode: str = 'val',
    ) -> None:
        """Write and draw the results of a batch.

        Raises:
            OSError: A file cannot be written.
        """
        testing = mode == 'test'
        writes, keeps = testing and self.out is not None, testing and self.show_dir is not None
        draws = (
            self.draw and not keeps and mode != 'train' and self.every_n_inner_iters(batch_idx, self.interval)
        )
        if not (writes or keeps or draws):
            return
        loop = runner.test_loop if testing else runner.val_loop
        files = self._files_of(mode, loop)
        for number, sample in enumerate(outputs):
            if writes:
                self._write_labels(sample, files)
            if not (keeps or draws):
                continue
            image = _image_of(sample, files, data_batch, number)
            if keeps:
                self._write_overlay(runner, sample, image, files)
            else:
                runner.visualizer.add_datasample(
                    f'{mode}/{files.name(sample.img_path)}',
                    image,
                    data_sample=sample,
                    show=self.show,
                    wait_time=self.wait_time,
                    step=runner.iter,
                )

    def _files_of(self, mode: str, loop: Any) -> ImageFiles:
        if mode not in self._files:
            self._files[mode] = ImageFiles(loop.dataloader.dataset)
        return self._files[mode]

    def _write_labels(self, sample: BaseDataElement, files: ImageFiles) -> None:
        labels = read_semantic(sample, 'pred')
        if labels is None:
            return
        assert self.out is not None
        part = files.part_of(sample.img_path)
        classes = part.metainfo.get('classes') or range(int(labels.max()) + 1)
        reduced = sample.metainfo.get('reduce_zero_label', getattr(part, 'reduce_zero_label', False))
        numbers = number_labels(labels, len(classes), bool(reduced), getattr(part, 'label_map', None))
        write_image(numbers, self.out / f'{files.name(sample.img_path)}.png')

    def _write_overlay(
        self, runner: Runner, sample: BaseDataElement, image: NDArray[Any], files: ImageFiles
    ) -> None:
        """Draw and write a sample in this process; a visualizer draws only in the main process."""
        settings: dict[str, Any] = {
            key: getattr(runner.visualizer, key, None) for key in ('alpha', 'score_thr')
        }
        settings = {key: value for key, value in settings.items() if value is not None}
        style = SheetStyle(files.part_of(sample.img_path).metainfo, **settings)
        assert self.show_dir is not None
        path = self.show_dir / f'{files.name(sample.img_path)}.png'
        write_image(mmcv.rgb2bgr(draw_sample(image, sample, style)), path)


def _image_of(sample: BaseDataElement, files: ImageFiles, data_batch: Any, number: int) -> NDArray[np.uint8]:
    """The image ``(H, W, 3)`` RGB in the size of the sample's maps: its file, or the input of the model."""
    loaded = files.read(sample.img_path, sample.ori_shape)
    if loaded is not None:
        image = to_rgb(*loaded)
    else:
        inputs = data_batch['inputs'][number]
        inputs = inputs[0] if isinstance(inputs, list | tuple) else inputs
        image = to_rgb(inputs.cpu().numpy().transpose(1, 2, 0), is_rgb=False)
    height, width = sample.ori_shape[:2]
    return image if image.shape[:2] == (height, width) else cv2.resize(image, (width, height))
