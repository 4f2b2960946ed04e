"""Draws samples with panoptic or instance results; everything else as mmseg does."""

from typing import Any

import mmcv
import numpy as np
from mmengine.dist import master_only
from mmengine.structures import BaseDataElement
from mmseg.structures import SegDataSample
from mmseg.visualization import SegLocalVisualizer

from mmmaskformer.registry import VISUALIZERS

from .colours import class_colours
from .painting import paint_instances, paint_panoptic, paint_semantic, to_rgb
from .samples import has_segments, read_instances, read_panoptic, read_semantic
from .sheet import add_title, arrange

SMALL_SIDE = 384


@VISUALIZERS.register_module()
class SegmentVisualizer(SegLocalVisualizer):
    """Mmseg's visualizer, which also draws panoptic and instance segmentation.

    Samples with ``gt_panoptic_seg``, ``pred_panoptic_seg``, ``gt_instances`` or ``pred_instances`` are drawn
    as one picture per kind of truth and prediction, each under its title; small pictures are enlarged for
    that. Samples without any of them are left to mmseg.

    Args:
        name: Name of the instance.
        image: Picture to start with, RGB.
        vis_backends: Where pictures go.
        save_dir: Folder of the backends.
        classes: Names of the classes; ``dataset_meta`` replaces them.
        palette: Their colours; without them, some of our own choice.
        dataset_name: A data set that mmseg knows, for classes and palette.
        alpha: How much of the classes' colours is seen over the picture, from 0 to 1.
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
        self.set_dataset_meta(classes, palette, dataset_name)  # mmseg's constructor mixes up the first two

    def set_dataset_meta(
        self, classes: list | None = None, palette: list | None = None, dataset_name: str | None = None
    ) -> None:
        """Takes classes and palette; see mmseg.

        Raises:
            ValueError: The palette has fewer colours than there are classes.
        """
        if classes and (palette or dataset_name is None):
            palette = class_colours(classes, palette or None).tolist()
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
        """Draws truth and prediction of every kind that the sample has.

        The arguments are mmseg's: without ``out_file`` the picture goes to the backends. ``image`` is RGB or
        grey, of the size of the sample's maps.

        Raises:
            ValueError: The sample does not fit the picture or the classes.
        """
        if data_sample is None or not has_segments(data_sample):
            super().add_datasample(
                *(name, image, data_sample, draw_gt, draw_pred),
                **dict(show=show, wait_time=wait_time, out_file=out_file, step=step, with_labels=with_labels),
            )
            return
        drawn = self._draw_sample(to_rgb(image), data_sample, draw_gt, draw_pred, bool(with_labels))
        self.set_image(drawn)
        if show:
            self.show(drawn, win_name=name, wait_time=wait_time)
        if out_file is not None:
            mmcv.imwrite(mmcv.rgb2bgr(drawn), out_file)
        else:
            self.add_image(name, drawn, step)

    def _draw_sample(
        self, image: np.ndarray, sample: BaseDataElement, draw_gt: bool, draw_pred: bool, with_labels: bool
    ) -> np.ndarray:
        """All that is wanted on one sheet; the picture alone where that is nothing."""
        pictures: list[np.ndarray] = []
        for prefix, title, wanted in (('gt', 'truth', draw_gt), ('pred', 'prediction', draw_pred)):
            if wanted:
                pictures += self._draw_kinds(image, sample, prefix, title, with_labels)
        return arrange(pictures or [add_title(image, 'picture')])

    def _draw_kinds(
        self, image: np.ndarray, sample: BaseDataElement, prefix: str, title: str, with_labels: bool
    ) -> list[np.ndarray]:
        """What a sample holds under ``gt`` or ``pred``: panoptic, instances, semantic, in this order."""
        style: dict[str, Any] = dict(
            classes=self.dataset_meta['classes'],
            palette=self.dataset_meta.get('palette'),
            alpha=self.alpha,
            with_labels=with_labels,
            scale=max(1, -(-SMALL_SIDE // max(image.shape[:2]))),
        )
        pictures = []
        panoptic = read_panoptic(sample, prefix)
        if panoptic is not None:
            pictures.append(add_title(paint_panoptic(image, *panoptic, **style), f'{title}: panoptic'))
        instances = read_instances(sample, prefix, self.score_thr)
        if instances is not None:
            painted = paint_instances(image, **instances._asdict(), **style)
            pictures.append(add_title(painted, f'{title}: instances'))
        semantic = read_semantic(sample, prefix)
        if semantic is not None:
            pictures.append(add_title(paint_semantic(image, semantic, **style), f'{title}: semantic'))
        return pictures
