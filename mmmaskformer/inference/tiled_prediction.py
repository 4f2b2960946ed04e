"""Prediction of large images in overlapping tiles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from mmengine.config import ConfigDict
from torch import nn

from ..functional.tiles import Tile, tiles_of
from ..models import MaskFormer
from .image_windows import ImageWindows, open_windows
from .preparation import Preparation, batched
from .segmentation_result import SegmentationResult
from .settings import with_scores
from .sources import InputImage
from .tile_merging import InstanceMerger, PanopticMerger, SemanticMerger

PART = 8
"""Tiles overlap by this part of their smaller side unless it is set."""


class Tiling(NamedTuple):
    """Size of the tiles (height, width), and how many pixels neighbors share at least."""

    tile: tuple[int, int]
    overlap: int

    @classmethod
    def of(cls, tile: int | Sequence[int] | None, overlap: int | None) -> Tiling | None:
        """The tiling of the arguments; None without tiles.

        Raises:
            ValueError: They are not sizes, or tiles overlap by half or more.
        """
        if tile is None:
            if overlap is not None:
                raise ValueError(f'overlap={overlap} is set without tile: set tile, the size of the tiles.')
            return None
        sides = (tile, tile) if isinstance(tile, int) else tuple(tile)
        if len(sides) != 2 or not all(isinstance(side, int) and side > 0 for side in sides):
            raise ValueError(f'tile={tile!r} is not a size: set one number, or height and width.')
        overlap = min(sides) // PART if overlap is None else overlap
        if not 0 <= 2 * overlap < min(sides):
            raise ValueError(
                f'overlap={overlap} does not go with tiles of {sides[0]}x{sides[1]}: set it to less than '
                'half of the smaller side.'
            )
        return cls((sides[0], sides[1]), overlap)


class TiledPrediction:
    """Predicts images in tiles, and merges what tiles see twice.

    Scores of classes are averaged, with weights that fall towards the edge of a tile. Things of one class
    that cover the same pixels of an overlap are one; so is all stuff of a class. An image that fits into one
    tile is predicted whole.

    Args:
        prepare: Reads images and makes them inputs.
        run: Predicts from prepared images under a ``test_cfg``.
        test_cfg: The results that are wanted.
        model: The segmentor.
        tiling: Size and overlap of tiles.
        batch_size: Tiles at a time.
    """

    def __init__(
        self,
        prepare: Preparation,
        run: Callable[[Sequence[dict], ConfigDict], Sequence[Any]],
        test_cfg: ConfigDict,
        model: nn.Module,
        tiling: Tiling,
        batch_size: int = 1,
    ) -> None:
        self.prepare, self.run, self.tiling, self.batch_size = prepare, run, tiling, batch_size
        self.test_cfg = test_cfg
        self.keep_scores = bool(test_cfg.get('seg_logits'))
        self.void = int(getattr(model.decode_head, 'ignore_index', 255))
        from_scores = not isinstance(model, MaskFormer) or test_cfg.get('semantic', True) is True
        self.tile_cfg = with_scores(test_cfg, model) if from_scores else test_cfg

    def __call__(
        self, input_image: InputImage, new_result: Callable[..., SegmentationResult]
    ) -> SegmentationResult:
        """The result of an image.

        Args:
            input_image: The image.
            new_result: Makes a result without predictions, of an image, its size and its pixels.
        """
        windows = open_windows(input_image, self.prepare)
        result = new_result(input_image, windows.size, windows.pixels)
        rows = tiles_of(windows.size, self.tiling.tile, self.tiling.overlap)
        tiles = [tile for row in rows for tile in row]
        if len(tiles) == 1:
            packed = self.prepare.pack(input_image, windows.read(*tiles[0].window))
            return result.take(self.run([packed], self.test_cfg)[0], self.keep_scores)
        merging = _Merging(windows.size, self.void, self.keep_scores)
        for batch in batched(tiles, self.batch_size):
            for tile, sample in zip(batch, self._predict(input_image, windows, batch)):
                merging.add(tile, sample)
        merging.fill(result)
        return result

    def _predict(
        self, input_image: InputImage, windows: ImageWindows, tiles: Sequence[Tile]
    ) -> Sequence[Any]:
        packed = [self.prepare.pack(input_image, windows.read(*tile.window)) for tile in tiles]
        return self.run(packed, self.tile_cfg)


class _Merging:
    """The results of the tiles of an image so far."""

    def __init__(self, size: tuple[int, int], void: int, keep_scores: bool) -> None:
        self.semantic = SemanticMerger(size, void, keep_scores)
        self.panoptic, self.instances = PanopticMerger(size), InstanceMerger(size)
        self.kinds: set[str] = set()

    def add(self, tile: Tile, sample: Any) -> None:
        """Add the predictions of a tile."""
        if 'pred_sem_seg' in sample:
            self.kinds.add('semantic')
            if 'seg_logits' in sample:
                self.semantic.add(tile, sample.seg_logits.data.float().cpu().numpy())
            else:
                self.semantic.add_labels(tile, sample.pred_sem_seg.data[0].cpu().numpy())
        if 'pred_panoptic_seg' in sample:
            self.kinds.add('panoptic')
            ids = sample.pred_panoptic_seg.data[0].cpu().numpy()
            self.panoptic.add(tile, ids, sample.pred_segments_info)
        if 'pred_instances' in sample:
            self.kinds.add('instance')
            objects = sample.pred_instances.cpu().numpy()
            self.instances.add(tile, objects.labels, objects.scores, objects.masks)

    def fill(self, result: SegmentationResult) -> None:
        """Set the results of the whole image."""
        if 'semantic' in self.kinds:
            result.set_semantic(self.semantic.labels)
            if self.semantic.scores is not None:
                result.set_scores(self.semantic.scores)
        if 'panoptic' in self.kinds:
            ids, segments = self.panoptic.finish()
            result.set_panoptic(ids, segments)
        if 'instance' in self.kinds:
            result.set_instances(self.instances.finish())
