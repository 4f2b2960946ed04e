"""Changes that a contest makes to the configs of its systems."""

from __future__ import annotations

from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope

from ..datasets.clothing import CLASSES

HELD_OUT = 5
"""Every fifth training image is held out where learning rates are chosen."""
QUERIES_PER_CLASS, MOST_QUERIES = 3, 100


def merge_classes(cfg: Config, num_classes: int) -> None:
    """Let a config of the clothing set learn groups of classes.

    Fixed matching has one query for each class, bipartite matching three, and no more than a hundred.
    """
    head = cfg.model.decode_head
    head.num_classes = num_classes
    assigner = (head.get('criterion') or {}).get('assigner') or {}
    if assigner.get('type') == 'mmmaskformer.FixedAssigner':
        head.num_queries = num_classes
    elif head.type == 'mmmaskformer.MaskFormerHead':
        head.num_queries = min(MOST_QUERIES, QUERIES_PER_CLASS * num_classes)
    if num_classes != len(CLASSES):
        for phase in ('train', 'val', 'test'):
            cfg[f'{phase}_dataloader'].dataset.num_groups = num_classes


def classify_masks_alone(cfg: Config) -> None:
    """Let queries alone decide on classes: a per-pixel classifier serves training."""
    classifier = cfg.model.decode_head.get('auxiliary_classifier')
    if classifier is not None:
        classifier.type = 'mmmaskformer.AuxiliaryPixelClassifier'


def scale_images(cfg: Config, scale: float) -> None:
    """Multiply the edges of images and crops; fractions of a pixel are dropped."""
    cfg.crop_size = tuple(int(edge * scale) for edge in cfg.crop_size)
    for phase in ('train', 'val', 'test') if scale != 1 else ():
        for transform in cfg[f'{phase}_dataloader'].dataset.pipeline:
            for key in ('scale', 'crop_size', 'size'):
                if key in transform:
                    transform[key] = tuple(int(edge * scale) for edge in transform[key])


def fade_home_queries(cfg: Config, iterations: int) -> None:
    """A matching that begins fixed becomes free within half of the training."""
    assigner = (cfg.model.decode_head.get('criterion') or {}).get('assigner') or {}
    for cost in assigner.get('costs', ()):
        if 'num_iterations' in cost:
            cost.num_iterations = max(1, iterations // 2)


def hold_out(cfg: Config) -> None:
    """Validate on every fifth training image, and train on the others alone."""
    init_default_scope(cfg.default_scope)
    dataset = cfg.train_dataloader.dataset
    number = len(DATASETS.build({**dataset, 'pipeline': []}))
    pipeline = cfg.val_dataloader.dataset.pipeline
    cfg.val_dataloader.dataset = {**dataset, 'pipeline': pipeline, 'indices': [*range(0, number, HELD_OUT)]}
    dataset.indices = [index for index in range(number) if index % HELD_OUT]
    cfg.train_cfg.val_interval = cfg.train_cfg.max_iters


def keep_in_memory(dataset: Config) -> None:
    """Read each file of a data set once: its transforms up to the loader of annotations are kept."""
    names = [transform['type'].rpartition('.')[2] for transform in dataset.pipeline]
    end = 1 + next(i for i, name in enumerate(names) if name.startswith('Load') and 'Annotations' in name)
    kept, rest = dataset.pipeline[:end], dataset.pipeline[end:]
    dataset.pipeline = [dict(type='mmmaskformer.KeepInMemory', transforms=kept), *rest]
