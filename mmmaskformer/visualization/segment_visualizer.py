"""A visualizer for samples with semantic, panoptic and instance results."""

from pathlib import Path
from typing import Any

import mmcv
import numpy as np
from mmengine.dist import master_only
from mmengine.visualization import LocalVisBackend
from mmseg.structures import SegDataSample
from mmseg.visualization import SegLocalVisualizer

from mmmaskformer.registry import VISUALIZERS

from .colors import class_colors, to_rgb
from .samples import SheetStyle, draw_sample

DEPTH_FIELDS = {'gt_depth_map', 'pred_depth_map'}  # drawn by mmseg


@VISUALIZERS.register_module()
class SegmentVisualizer(SegLocalVisualizer):
    """Mmseg's visualizer, which also draws panoptic and instance segmentation.

    Samples with only label maps keep mmseg's layout: ground truth and prediction side by side, in the size
    of the image. See `draw_sample`.

    Args:
        name: Name of the instance.
        image: Image to start with, RGB.
        vis_backends: Where images go.
        save_dir: Folder of the backends.
        classes: Names of the classes; ``dataset_meta`` replaces them.
        palette: Their colors; `default_palette` without them.
        dataset_name: A data set that mmseg knows, for classes and palette.
        alpha: Opacity of the classes' colors, from 0 to 1.
        score_thr: Predicted instances with lower scores are not drawn.
        **kwargs: Passed on to MMEngine's visualizer.
    """

    def __init__(
        self,
        name: str = 'visualizer',
        image: np.ndarray | None = None,
        vis_backends: list | None = None,
        save_dir: str | None = None,
        classes: list | None = None,
        palette: list | None = None,
        dataset_name: str | None = None,
        alpha: float = 0.8,
        score_thr: float = 0.5,
        **kwargs: Any,
    ) -> None:
        super().__init__(name, image, vis_backends, save_dir, alpha=alpha, **kwargs)
        self.score_thr = score_thr
        self.set_dataset_meta(classes, palette, dataset_name)  # mmseg's constructor swaps the first two

    def set_dataset_meta(
        self, classes: list | None = None, palette: list | None = None, dataset_name: str | None = None
    ) -> None:
        """Takes classes and palette; see mmseg.

        Raises:
            ValueError: The palette has fewer colors than there are classes.
        """
        if classes and (palette or dataset_name is None):
            palette = class_colors(classes, palette or None).tolist()
        super().set_dataset_meta(classes, palette, dataset_name)

    @master_only
    def add_datasample(
        self,
        name: str,
        image: np.ndarray,
        data_sample: SegDataSample | None = None,
        draw_gt: bool = True,
        draw_pred: bool = True,
        show: bool = False,
        wait_time: float = 0,
        out_file: str | None = None,
        step: int = 0,
        with_labels: bool | None = True,
    ) -> None:
        """Draw ground truth and prediction of every kind that the sample has.

        The arguments are mmseg's: without ``out_file`` the figure goes to the backends. ``image`` is RGB or
        gray, or of any other channels and type (see `to_rgb`), of the size of the sample's maps.

        Raises:
            ValueError: The sample does not fit the image or the classes.
        """
        if data_sample is not None and DEPTH_FIELDS & set(data_sample.keys()):
            super().add_datasample(
                *(name, to_rgb(image), data_sample, draw_gt, draw_pred),
                **dict(show=show, wait_time=wait_time, out_file=out_file, step=step, with_labels=with_labels),
            )
            return
        contents = bool(with_labels), draw_gt, draw_pred
        drawn = draw_sample(
            image, data_sample, SheetStyle(self.dataset_meta, self.alpha, self.score_thr, *contents)
        )
        self.set_image(drawn)
        if show:
            self.show(drawn, win_name=name, wait_time=wait_time)
        if out_file is not None:
            mmcv.imwrite(mmcv.rgb2bgr(drawn), out_file)
        else:
            self.add_image(name, drawn, step)

    def add_image(self, name: str, image: np.ndarray, step: int = 0) -> None:
        """Give an image to the backends; ``/`` in its name separates folders.

        Args:
            name: Name of the image.
            image: (H, W, 3) uint8 RGB.
            step: Iteration.
        """
        for backend in self._vis_backends.values() if '/' in name else ():
            if isinstance(backend, LocalVisBackend):  # it only creates its own folder
                folder = Path(backend.experiment._img_save_dir)
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
        super().add_image(name, image, step)
