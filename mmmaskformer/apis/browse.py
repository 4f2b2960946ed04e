"""Look at what the data pipeline makes of a data set."""

import os.path as osp

import mmcv
from mmengine.config import Config
from mmengine.registry import DATASETS, VISUALIZERS, init_default_scope
from mmengine.utils import track_iter_progress

from ..datasets.dataset_files import ImageFiles
from ..visualization.display import to_rgb
from .checks import check_data


def browse_dataset(cfg: Config, output_dir: str, phase: str = 'train', number: int = 20) -> list[str]:
    """Write images as the model gets them, with their annotations painted over.

    Of more than three channels the first three are shown; other types than 8 bits by their range.

    Args:
        cfg: A complete config.
        output_dir: Folder for the images.
        phase: ``'train'``, ``'val'`` or ``'test'``: whose dataloader is looked at.
        number: How many samples, from the first one on.

    Returns:
        The paths written.
    """
    if not cfg.get(f'{phase}_dataloader'):
        raise ValueError(f'The config has no {phase}_dataloader: add it, or browse another --phase.')
    check_data(cfg, (phase,))
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    dataset = DATASETS.build(cfg[f'{phase}_dataloader'].dataset)
    own = {'vis_backends': None, 'name': f'browse_{output_dir}'}  # visualizers of one name are one
    visualizer = VISUALIZERS.build({'alpha': 0.5, **cfg.visualizer, **own})
    visualizer.dataset_meta = dataset.metainfo
    files, paths = ImageFiles(dataset), []
    for index in track_iter_progress(range(min(number, len(dataset)))):
        packed = dataset[index]
        sample = packed['data_samples']
        is_rgb = files.loads_rgb(sample.img_path)
        image = to_rgb(packed['inputs'].numpy().transpose(1, 2, 0), is_rgb)
        annotation = sample.get('gt_panoptic_seg', sample.get('gt_sem_seg'))
        if annotation is not None:  # test pipelines leave the labels at their own size
            image = mmcv.imresize(image, annotation.shape[::-1])
        name = osp.splitext(osp.basename(sample.img_path))[0]
        paths.append(osp.join(output_dir, f'{index:05d}_{name}.png'))
        visualizer.add_datasample(name, image, sample, draw_pred=False, out_file=paths[-1])
    return paths
