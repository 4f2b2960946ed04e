"""Inputs of the inferencer, batches, and ground truth to evaluate with, that are not as they should be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import cv2
import numpy as np
import torch
from damage import NAMES, damage_bytes
from damaged_inputs import Case, drawing, encoded, judge, new_folder
from mmengine.structures import PixelData
from mmseg.datasets.transforms import PackSegInputs
from mmseg.structures import SegDataSample

from mmmaskformer.datasets import SkipBadSamples
from mmmaskformer.engine.check_dataset_hook import CheckDatasetHook
from mmmaskformer.evaluation import InstanceAP, PanopticQuality, SemanticPanopticQuality
from mmmaskformer.inference.preparation import Preparation
from mmmaskformer.inference.sources import open_source
from mmmaskformer.models import MaskFormerDataPreProcessor

PIPELINE = [{'type': 'LoadImageFromFile', '_scope_': 'mmmaskformer'}, {'type': 'mmseg.PackSegInputs'}]
CLASSES = ('cat', 'sky', 'dog')


def predicted_from(root: Path, random: Random) -> Iterator[Case]:
    """Files and arrays that results are asked for."""
    prepare = Preparation(PIPELINE)
    for number in range(10**9):
        if number % 50 == 0:
            folder = new_folder(root, random, number)
        if random.random() < 0.5:
            suffix = random.choice(('.jpg', '.png', '.webp', '.tiff', '.ppm'))
            good = encoded(drawing(random), suffix)
            kind, damaged = damage_bytes(random, good)
            path = folder / f'{random.choice(NAMES)}{suffix}'
            path.write_bytes(damaged)

            def read(path: Path = path) -> list:
                return [prepare(image)[0].tolist() for image in open_source(str(path)).images]

            def expected(damaged: bytes = damaged) -> list:
                return [cv2.imdecode(np.frombuffer(damaged, np.uint8), cv2.IMREAD_COLOR).tolist()]

            unharmed = [cv2.imdecode(np.frombuffer(good, np.uint8), cv2.IMREAD_COLOR).tolist()]
            outcome = judge(read, expected, unharmed, path)
            assert not (suffix == '.png' and outcome == 'proven' and kind != 'forge_chunk'), kind
            assert not (suffix in ('.png', '.jpg') and kind == 'truncate' and outcome == 'proven'), kind
            yield f'predict {suffix} {kind}', outcome
        else:
            array = _array(random)

            def read_array(array: np.ndarray = array) -> list:
                return [prepare(image)[0].tolist() for image in open_source(array).images]

            yield f'predict {array.dtype}', judge(read_array, lambda: [_bgr(array)], None, 'image')  # noqa: B023


def _array(random: Random) -> np.ndarray:
    dtype = random.choice(('uint8', 'uint8', 'uint16', 'float32', 'float64', 'int64', 'bool'))
    shape = random.choice(
        ((4, 5), (4, 5, 1), (4, 5, 3), (4, 5, 4), (4, 5, 2), (0, 5, 3), (3,), (2, 3, 4, 3), ())
    )
    values = np.random.RandomState(random.randrange(2**32)).randint(0, 1 << 16, shape)
    array = np.array(values).astype(dtype)
    if array.dtype.kind == 'f' and array.size:
        array.flat[0] = random.choice((np.nan, np.inf, 0))
    return array


def _bgr(array: np.ndarray) -> list:
    """Pixel by pixel: grey repeated, opacity dropped, the upper 8 of 16 bits."""
    assert array.dtype in (np.uint8, np.uint16)
    shift = 256 if array.dtype == np.uint16 else 1
    rows = array.tolist()
    full = [[[pixel] if isinstance(pixel, int) else pixel for pixel in row] for row in rows]
    return [
        [[v // shift for v in (pixel * 3 if len(pixel) == 1 else pixel[:3])] for pixel in row] for row in full
    ]


def bad_batches(root: Path, random: Random) -> Iterator[Case]:
    """What a data loader may hand to the data preprocessor; two images, the second with a fault."""
    mean, std = [10.0, 20.0, 30.0], [1.0, 2.0, 4.0]
    subject = MaskFormerDataPreProcessor(mean=mean, std=std, bgr_to_rgb=True, size_divisor=8)
    for _ in range(10**9):
        kind = random.choice(('fine', 'nan', 'inf', 'grey', 'alpha', 'empty', 'flat', 'ground_truth', 'ids'))
        training = random.random() < 0.5
        shapes = [(3, random.randint(1, 9), random.randint(1, 9)) for _ in range(2)]
        images = [
            torch.randint(0, 256, shape).to(random.choice((torch.uint8, torch.float32))) for shape in shapes
        ]
        name = f'{random.choice(NAMES)}.jpg'
        samples = [
            _ground_truth(shape[1:], f'first {i} {name}', kind == 'ids') for i, shape in enumerate(shapes)
        ]
        bad = images[1]
        if kind in ('nan', 'inf'):
            images[1] = bad.float()
            images[1].view(-1)[random.randrange(bad.numel())] = float(kind)
        elif kind in ('ground_truth', 'ids'):
            samples[1] = _ground_truth(
                (shapes[1][1] + random.choice((1, -1)), shapes[1][2]), samples[1].img_path, kind == 'ids'
            )
        elif kind != 'fine':
            images[1] = {
                'grey': bad[:1],
                'alpha': torch.cat([bad, bad[:1]]),
                'empty': bad[:, :0],
                'flat': bad[0],
            }[kind]
        wrong = kind not in ('fine', 'ground_truth', 'ids') or (training and kind != 'fine')

        def normalised(images: list = images, samples: list = samples, training: bool = training) -> Any:
            batch = subject(dict(inputs=list(images), data_samples=samples), training)['inputs']
            return [batch[i, :, : p.shape[1], : p.shape[2]].tolist() for i, p in enumerate(images)]

        def slow(images: list = images, wrong: bool = wrong) -> Any:
            assert not wrong, 'accepted'
            return [
                [[[(v - mean[c]) / std[c] for v in row] for row in image.tolist()[2 - c]] for c in range(3)]
                for image in images
            ]

        yield f'batch {kind}', judge(normalised, slow, None, samples[1].img_path)


def _ground_truth(shape: tuple, path: str, panoptic: bool = False) -> SegDataSample:
    sample = SegDataSample(metainfo=dict(img_path=path, ori_shape=shape))
    field = 'gt_panoptic_seg' if panoptic else 'gt_sem_seg'
    sample.set_data({field: PixelData(data=torch.zeros(1, *shape, dtype=torch.int64))})
    if panoptic:
        sample.set_data(dict(gt_segments_info=[]))
    return sample


class _Runner:
    class model:  # noqa: N801
        class decode_head:  # noqa: N801
            num_classes, ignore_index = 3, 255


def evaluated(root: Path, random: Random) -> Iterator[Case]:
    """Ground truth and predictions of wrong sizes, ids or classes, for all metrics."""
    metrics: list = [PanopticQuality(), SemanticPanopticQuality(), InstanceAP()]
    for metric in metrics:
        metric.dataset_meta = dict(classes=CLASSES, thing_classes=('cat', 'dog'))
    for _ in range(10**9):
        path, shape = f'{random.choice(NAMES)}.jpg', (random.randint(1, 6), random.randint(1, 6))
        place = random.randrange(4)
        kind = random.choice(('fine', 'size', 'value'))
        ground_truth, found = (torch.randint(0, 3, (1, *shape)) for _ in range(2))
        if kind == 'size':
            ground_truth = torch.zeros(1, shape[0] + 1, shape[1], dtype=torch.int64)
        elif kind == 'value':
            ground_truth[..., -1, -1] = random.choice((3, 17, 254, 1000))
        listed = [dict(id=i, category_id=i % 3) for i in found.unique().tolist() if i]
        sample: dict = dict(
            img_path=path, img_id=path, gt_sem_seg=dict(data=ground_truth), pred_sem_seg=dict(data=found)
        )
        sample.update(
            gt_panoptic_seg=dict(data=ground_truth),
            pred_panoptic_seg=dict(data=found),
            pred_segments_info=listed,
        )
        category = random.choice((3, -1)) if kind == 'value' else 1
        sample['gt_segments_info'] = [dict(id=1, category_id=category)]
        masks = torch.ones(1, *shape, dtype=torch.bool)
        labels = torch.tensor([random.choice((7, -1)) if kind == 'value' else 0])
        sample['pred_instances'] = dict(masks=masks, labels=labels, scores=torch.ones(1))

        def evaluate(
            place: int = place, sample: dict = sample, shape: tuple = shape, path: str = path
        ) -> str:
            if place < 3:
                metrics[place].process(None, [sample])
                metrics[place].results.clear()
            else:
                data = _ground_truth(shape, path)
                data.gt_sem_seg = PixelData(**sample['gt_sem_seg'])
                CheckDatasetHook().before_val_iter(_Runner, 0, dict(data_samples=[data]))
            return 'fine'

        yield f'evaluate {kind}', judge(evaluate, lambda: kind, 'fine', path)  # noqa: B023


def skipped(root: Path, random: Random) -> Iterator[Case]:
    """A wrapped data set of 25 images, some of them bad: an input is one of these."""
    from mmseg.datasets import ADE20KDataset

    for number in range(10**9):
        folder = new_folder(root, random, number)
        bad = set()
        for i in range(25):
            image, labels = drawing(random), np.full((1, 1), i + 1, np.uint8)
            labels = np.repeat(np.repeat(labels, image.shape[0], 0), image.shape[1], 1)
            names = [folder / f'{i:02d}{suffix}' for suffix in ('.jpg', '.png')]
            files = dict(zip(names, (encoded(image, '.jpg'), encoded(labels, '.png'))))
            if random.random() < 0.3:
                path, wrong = random.choice(names), encoded(labels * 0 + 200, '.png')
                files[path] = random.choice((b'', files[path][:-9], wrong if path is names[1] else b'x'))
                bad.add(i)
            for path, content in files.items():
                path.write_bytes(content)
        loading = [{'type': f'mmmaskformer.{name}'} for name in ('LoadImageFromFile', 'LoadAnnotations')]
        inside = ADE20KDataset(
            data_prefix=dict(img_path=str(folder), seg_map_path=str(folder)),
            pipeline=[*loading, PackSegInputs()],
            serialize_data=False,
        )
        dataset = SkipBadSamples(inside)
        for i in range(25):
            place = next(j % 25 for j in range(i, i + 25) if j % 25 not in bad)
            sample = dataset[i]['data_samples']
            assert sample.gt_sem_seg.data.unique().tolist() == [place], (i, place)
            yield f'skip {"bad" if i in bad else "good"}', 'skipped' if i in bad else 'unharmed'
        assert dataset.num_skipped == len(bad)
