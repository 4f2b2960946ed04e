"""Bad samples of a data set: skipped and counted if the config says so, and never in a batch."""

import logging

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import DATASETS
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmmaskformer.datasets import SkipBadSamples
from mmmaskformer.models import MaskFormerDataPreProcessor

NOISE = np.random.RandomState(0).randint(0, 256, (24, 32, 3), np.uint8)
LOADING = [{'type': 'mmmaskformer.LoadImageFromFile'}, {'type': 'mmmaskformer.LoadAnnotations'}]


def encoded(pixels, suffix='.png'):
    return cv2.imencode(suffix, pixels)[1].tobytes()


def write_ade20k(folder, number=6):
    for i in range(number):
        (folder / f'{i}.jpg').write_bytes(encoded(NOISE, '.jpg'))
        (folder / f'{i}.png').write_bytes(encoded(np.full((24, 32), i + 1, np.uint8)))
    return dict(
        type='mmseg.ADE20KDataset',
        data_prefix=dict(img_path=str(folder), seg_map_path=str(folder)),
        pipeline=[*LOADING, {'type': 'mmseg.PackSegInputs'}],
    )


def test_bad_samples_are_skipped_and_counted(tmp_path, caplog):
    config = write_ade20k(tmp_path)
    (tmp_path / '1.jpg').write_bytes(b'')
    (tmp_path / '2.png').unlink()
    (tmp_path / '5.png').write_bytes(encoded(np.full((24, 32), 151, np.uint8)))  # ADE20K has 150
    with pytest.raises(FileNotFoundError):
        DATASETS.build(config)[2]
    dataset = DATASETS.build(dict(type='mmmaskformer.SkipBadSamples', dataset=config))
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            labels = [int(dataset[i]['data_samples'].gt_sem_seg.data[0, 0, 0]) for i in range(len(dataset))]
            assert labels == [0, 3, 3, 3, 4, 0]  # the next good one stands in
    assert dataset.num_skipped == 3
    assert dataset.metainfo['classes'][0] == 'wall'


@pytest.mark.parametrize('wrapped', [False, True])
def test_own_ignored_label_is_not_bad(tmp_path, wrapped):
    config = {**write_ade20k(tmp_path), 'ignore_index': 200}
    (tmp_path / '2.png').write_bytes(encoded(np.zeros((24, 32), np.uint8)))  # 0 is no class in ADE20K's files
    if wrapped:
        config = dict(type='RepeatDataset', times=1, dataset=config)
    dataset = SkipBadSamples(config)
    assert int(dataset[2]['data_samples'].gt_sem_seg.data[0, 0, 0]) == 200
    assert dataset.num_skipped == 0


def test_count_of_other_processes(tmp_path):
    config = write_ade20k(tmp_path)
    (tmp_path / '1.jpg').write_bytes(b'')
    dataset = SkipBadSamples(config)
    loader = torch.utils.data.DataLoader(
        dataset, num_workers=1, collate_fn=len, multiprocessing_context='fork'
    )
    assert len(list(loader)) == 6
    assert dataset.num_skipped == 1


def test_too_many_bad_samples_are_an_error(tmp_path):
    config = write_ade20k(tmp_path)
    for i in range(4):
        (tmp_path / f'{i}.png').unlink()
    with pytest.raises(
        ValueError, match=r'3 of 6 samples so far are bad, more than limit=2; the last is .*2\.jpg'
    ):
        SkipBadSamples(config, limit=2)[0]
    with pytest.raises(ValueError, match='use SkipBadSamples for training alone'):
        SkipBadSamples({**config, 'test_mode': True})


def batch(image, ground_truth_shape=(4, 5)):
    sample = SegDataSample(metainfo=dict(img_path='street.jpg'))
    sample.gt_sem_seg = PixelData(data=torch.zeros(1, *ground_truth_shape, dtype=torch.int64))
    return dict(inputs=[image], data_samples=[sample])


@pytest.mark.parametrize(
    ('image', 'message'),
    [
        (torch.full((3, 4, 5), float('nan')), 'not finite'),
        (torch.full((3, 4, 5), float('-inf')), 'not finite'),
        (torch.zeros(3, 0, 5), r'input of shape \(3, 0, 5\)'),
        (
            torch.zeros(1, 4, 5),
            'has 1 channel, but mean and std .* have 3: set color_type in LoadImageFromFile',
        ),
        (
            torch.zeros(3, 4, 6, dtype=torch.uint8),
            r'is 6x4 pixels in the batch, but its ground truth \(gt_sem_seg\) 5x4',
        ),
    ],
)
def test_images_that_would_spoil_the_batch(image, message):
    subject = MaskFormerDataPreProcessor(mean=[0, 0, 0], std=[1, 1, 1], size_divisor=4)
    with pytest.raises(ValueError, match=rf'street\.jpg .*{message}'):
        subject(batch(image), training=True)
