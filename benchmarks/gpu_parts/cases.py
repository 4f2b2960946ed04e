"""What is measured: tasks, sizes and batches, the same for all packages."""

from __future__ import annotations

import copy
from typing import NamedTuple

import mmmaskformer  # noqa: F401 - before OpenMMLab's packages

# isort: split
from speed_training import panoptic_batches, semantic_batch


class Case(NamedTuple):
    """A task at a size.

    Attributes:
        task: ``'semantic'`` or ``'panoptic'``.
        backbone: ``'R50'`` or ``'Swin-T'``.
        height: Of the images.
        width: Of the images.
        batch: Images in a step.
        segments: Of each image.
        tiny: Whether backbones are narrow, for a dry run.
    """

    task: str
    backbone: str
    height: int
    width: int
    batch: int
    segments: int
    tiny: bool = False

    def __str__(self) -> str:
        return f'{self.task} {self.backbone}, {self.batch} x {self.height}x{self.width}'

    @property
    def original_shape(self) -> tuple[int, int]:
        """Height and width of the results: 421x640 for 800x1216, and the input's for semantic cases."""
        if self.task == 'semantic':
            return self.height, self.width
        return self.height * 10 // 19, self.width * 10 // 19


CASES = tuple(
    Case(task, backbone, *size)
    for task, size in (('semantic', (512, 512, 16, 9)), ('panoptic', (800, 1216, 4, 30)))
    for backbone in ('R50', 'Swin-T')
)
TINY_CASES = tuple(
    Case(task, backbone, *size)
    for task, size, backbone in (
        ('semantic', (64, 64, 2, 4, True), 'R50'),
        ('panoptic', (64, 96, 1, 6, True), 'Swin-T'),
    )
)


def batches(case: Case) -> tuple[dict, dict]:
    """Raw images and ground truth on the host, as a data loader gives them: in our format and in mmdet's."""
    if case.task == 'semantic':
        batch = semantic_batch(case.height, case.batch, case.segments)
        return batch, batch
    scenes = panoptic_batches(case.height, case.width, case.segments)
    return tuple(_repeated(scene, case) for scene in scenes)  # type: ignore[return-value]


def _repeated(scene: dict, case: Case) -> dict:
    (image,), (sample,) = scene['inputs'], scene['data_samples']
    sample.set_metainfo(dict(ori_shape=case.original_shape))
    samples = [copy.deepcopy(sample) for _ in range(case.batch)]
    return dict(inputs=[image] * case.batch, data_samples=samples)
