"""COCO instance annotations."""

from __future__ import annotations

from mmmaskformer.registry import DATASETS

from .coco_base import CocoDataset
from .coco_document import describe_left_out
from .coco_objects import NO_OUTLINE, NO_PIXEL, Classes, check_drawable, index_objects
from .contents import bad_samples_pass


@DATASETS.register_module()
class CocoInstanceDataset(CocoDataset):
    """A JSON file with objects as polygons or run lengths; all classes are things.

    A sample has ``instances``, a list of dicts with ``id``, ``segmentation``, ``category_id`` (index of the
    class), ``isthing``, ``iscrowd`` and ``area``; `LoadInstanceAnnotations` takes it from there. What files
    of different tools lack is filled in, and what cannot be used is left out and counted in ``left_out``, by
    the rules of :func:`mmmaskformer.datasets.coco_objects.index_objects`, which `InstanceAP` reads its
    ``ann_file`` by, too. ``num_empty`` of the objects left out cover no pixel.

    Args:
        ann_file: The JSON file. Its ``images`` name the images in ``img_path``.
        categories: Order of the classes: ``'coco_instance'`` for COCO's 80, path of a JSON file, list of
            dicts, or None for the categories of ``ann_file`` in its order.
        filter_cfg: ``dict(filter_empty_gt=True)`` leaves images without objects, or with crowds alone, out of
            training.
        **kwargs: As `CocoDataset`.

    Raises:
        FileNotFoundError: A JSON file is missing.
        ValueError: The JSON file contradicts itself or ``categories``; the sentence names the entry. Or it is
            a panoptic file, has boxes and no outlines, outlines that cannot be drawn, or nothing to train on.
    """

    all_things = True

    @property
    def num_empty(self) -> int:
        """How many objects are left out because they have no outline, or one that covers no pixel."""
        return sum(len(self.left_out.get(reason, ())) for reason in (NO_OUTLINE, NO_PIXEL))

    def _index(self, document: dict, classes: Classes) -> list[dict]:
        index = index_objects(document, self.ann_file, classes)
        images, objects, self.left_out, _ = index
        if not bad_samples_pass():
            check_drawable(index, self.ann_file)
        if document.get('annotations') and not objects:
            raise ValueError(
                f'{self.ann_file}: none of its {len(document["annotations"])} annotations can be used '
                f'({describe_left_out(self.left_out)}): give another ann_file.'
            )
        data_list = []
        for img_id, image in images.items():
            shape = {} if image.shape is None else dict(listed_shape=image.shape)
            data_list.append({**self._info(img_id, image), **shape, 'instances': objects.get(img_id, [])})
        return data_list

    def _is_empty(self, info: dict) -> bool:
        return all(instance['iscrowd'] for instance in info['instances'])
