"""Label maps and overlays of a test: one for each image, with the right numbers and the right background."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.registry import DATASETS, VISUALIZERS, init_default_scope
from mmengine.structures import PixelData
from mmseg.evaluation import IoUMetric
from mmseg.structures import SegDataSample

from mmmaskformer.evaluation import ClassIoU, PanopticQuality
from mmmaskformer.evaluation.prediction_files import read_id_png
from mmmaskformer.visualization import ResultHook, paint_semantic

NAMES = [f'drive{drive}/000{number}' for drive in (1, 2, 3) for number in (1, 2)]
SIZE = (12, 16)


def build_dataset(folder, num_classes=3, loader=None, **settings):
    """Six images of three folders, each of a different gray."""
    init_default_scope('mmseg')
    for number, name in enumerate(NAMES):
        path = folder / 'img' / f'{name}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full((*SIZE, 3), 20 * number, np.uint8))
    return DATASETS.build(
        dict(
            type='BaseSegDataset',
            data_root=str(folder),
            data_prefix=dict(img_path='img', seg_map_path=''),
            img_suffix='.png',
            test_mode=True,
            metainfo=dict(classes=[str(index) for index in range(num_classes)]),
            pipeline=[
                dict(type='mmmaskformer.LoadImageFromFile', **(loader or {})),
                dict(type='PackSegInputs'),
            ],
            **settings,
        )
    )


def predict(dataset, num_classes):
    """A random label map for each image."""
    random = np.random.default_rng(0)
    samples = []
    for index in range(len(dataset)):
        sample = dataset[index]['data_samples']
        labels = torch.from_numpy(random.integers(0, num_classes, (1, *SIZE)))
        sample.pred_sem_seg = PixelData(data=labels)
        samples.append(sample)
    return samples


def run(hook, dataset, samples, metrics=(), visualizer=None, mode='test'):
    if visualizer is None:
        config = dict(type='mmmaskformer.SegmentVisualizer', name=str(id(dataset)), alpha=0.6)
        visualizer = VISUALIZERS.build(config)
    visualizer.dataset_meta = dataset.metainfo
    evaluator = Evaluator(list(metrics))
    evaluator.dataset_meta = dataset.metainfo
    loop = SimpleNamespace(dataloader=SimpleNamespace(dataset=dataset), evaluator=evaluator)
    runner = SimpleNamespace(test_loop=loop, val_loop=loop, visualizer=visualizer, iter=4)
    if mode == 'test':
        hook.before_test(runner)
    for index, sample in enumerate(samples):
        evaluator.process([sample], {})
        getattr(hook, f'after_{mode}_iter')(runner, index, {}, [sample])
    return evaluator


def files(folder):
    return sorted(path.relative_to(folder).with_suffix('').as_posix() for path in folder.rglob('*.png'))


def read(path):
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize(('num_classes', 'dtype'), [(3, np.uint8), (300, np.uint16)])
def test_six_images_of_three_folders(tmp_path, num_classes, dtype):
    dataset = build_dataset(tmp_path / 'data', num_classes)
    samples = predict(dataset, num_classes)
    out, show = tmp_path / 'out', tmp_path / 'show'
    run(ResultHook(out=str(out), show_dir=str(show)), dataset, samples)
    assert files(out) == files(show) == NAMES
    for name, sample in zip(NAMES, samples):
        written = read(out / f'{name}.png')
        assert written.dtype == dtype
        assert (written == sample.pred_sem_seg.data[0].numpy()).all()


def test_overlays_have_their_own_image_behind(tmp_path):
    dataset = build_dataset(tmp_path / 'data')
    samples = predict(dataset, 3)
    run(ResultHook(show_dir=str(tmp_path / 'show')), dataset, samples)
    for number, (name, sample) in enumerate(zip(NAMES, samples)):
        image = np.full((*SIZE, 3), 20 * number, np.uint8)
        labels = sample.pred_sem_seg.data[0].numpy()
        expected = paint_semantic(image, labels, *map(dataset.metainfo.get, ('classes', 'palette')), 0.6)
        assert (read(tmp_path / f'show/{name}.png')[..., ::-1] == expected).all()


def test_zero_labels_are_numbered_as_the_files(tmp_path):
    dataset = build_dataset(tmp_path / 'data', reduce_zero_label=True)
    samples = predict(dataset, 3)
    samples[0].pred_sem_seg.data[0, 0, 0] = 255
    run(ResultHook(out=str(tmp_path / 'out')), dataset, samples)
    expected = samples[0].pred_sem_seg.data[0].numpy() + 1
    expected[0, 0] = 0
    assert (read(tmp_path / f'out/{NAMES[0]}.png') == expected).all()


@pytest.mark.parametrize('metric', [IoUMetric, ClassIoU])
@pytest.mark.parametrize('format_only', [False, True])
def test_hook_writes_the_files_of_metrics_of_mmseg(tmp_path, metric, format_only):
    """``output_dir``, as mmseg's tools/test.py --out sets it."""
    dataset = build_dataset(tmp_path / 'data', 300)
    samples = predict(dataset, 300)
    for sample in samples:
        sample.gt_sem_seg = sample.pred_sem_seg
    out = tmp_path / 'out'
    evaluator = run(ResultHook(), dataset, samples, [metric(output_dir=str(out), format_only=format_only)])
    assert files(out) == NAMES
    assert (read(out / f'{NAMES[-1]}.png') == samples[-1].pred_sem_seg.data[0].numpy()).all()
    scores = evaluator.evaluate(len(samples))
    assert scores == {} if format_only else scores['aAcc'] == 100


@pytest.mark.parametrize('names', [NAMES, [f'drive{number}/000{number}' for number in range(6)]])
def test_submission_files_keep_folders_where_names_are_equal(tmp_path, monkeypatch, names):
    monkeypatch.setattr(sys.modules[__name__], 'NAMES', names)
    dataset = build_dataset(tmp_path / 'data')
    samples = [dataset[index]['data_samples'] for index in range(6)]
    for number, sample in enumerate(samples):
        ids = torch.full((1, *SIZE), number + 1)
        sample.pred_panoptic_seg = PixelData(data=ids)
        sample.set_data(dict(pred_segments_info=[dict(id=number + 1, category_id=0)]))
        sample.set_metainfo(dict(img_id=number))
    metric = PanopticQuality(outfile_prefix=str(tmp_path / 'out'), format_only=True)
    evaluator = Evaluator([metric])
    evaluator.dataset_meta = dict(classes=['a', 'b', 'c'], thing_classes=['a'], category_ids=[7, 8, 9])
    loop = SimpleNamespace(dataloader=SimpleNamespace(dataset=dataset), evaluator=evaluator)
    ResultHook().before_test(SimpleNamespace(test_loop=loop))
    for sample in samples:
        evaluator.process([sample], {})
    evaluator.evaluate(6)
    short = names if len({name[-4:] for name in names}) < 6 else [name[-4:] for name in names]
    assert files(tmp_path / 'out.panoptic') == short
    listed = json.loads((tmp_path / 'out.panoptic.json').read_text())['annotations']
    assert [entry['file_name'] for entry in listed] == [f'{name}.png' for name in short]
    for number, name in enumerate(short):
        assert (read_id_png(tmp_path / f'out.panoptic/{name}.png') == number + 1).all()


def test_two_data_sets_of_the_same_names(tmp_path):
    parts = [build_dataset(tmp_path / name, reduce_zero_label=name == 'two') for name in ('one', 'two')]
    both = DATASETS.build(
        dict(type='ConcatDataset', datasets=parts, ignore_keys=['reduce_zero_label', 'palette'])
    )
    samples = [*predict(parts[0], 3), *predict(parts[1], 3)]
    run(ResultHook(out=str(tmp_path / 'out')), both, samples)
    assert files(tmp_path / 'out') == [f'{part}/img/{name}' for part in ('one', 'two') for name in NAMES]
    assert read(tmp_path / f'out/one/img/{NAMES[0]}.png').max() == 2
    assert read(tmp_path / f'out/two/img/{NAMES[0]}.png').max() == 3


def test_validation_images_keep_their_folders(tmp_path):
    dataset = build_dataset(tmp_path / 'data')
    config = dict(
        type='mmmaskformer.SegmentVisualizer',
        name='of the validation',
        vis_backends=[dict(type='LocalVisBackend')],
        save_dir=str(tmp_path / 'show'),
    )
    samples = predict(dataset, 3)
    run(ResultHook(draw=True, interval=1), dataset, samples, visualizer=VISUALIZERS.build(config), mode='val')
    assert files(tmp_path / 'show/vis_data/vis_image/val') == [f'{name}_4' for name in NAMES]


def test_nothing_is_written_by_default(tmp_path):
    dataset = build_dataset(tmp_path / 'data')
    before = files(tmp_path)
    run(ResultHook(), dataset, predict(dataset, 3))
    assert files(tmp_path) == before


def test_the_image_is_read_by_the_loader_of_the_pipeline(tmp_path):
    dataset = build_dataset(tmp_path / 'data', loader=dict(color_type='grayscale', to_float32=True))
    for name in NAMES:  # red, of which grey values keep 76
        cv2.imwrite(str(tmp_path / f'data/img/{name}.png'), np.full((*SIZE, 3), (0, 0, 255), np.uint8))
    sample = predict(dataset, 3)[0]
    sample.pred_sem_seg.data[:] = 9  # nothing is painted
    run(ResultHook(show_dir=str(tmp_path / 'show')), dataset, [sample])
    assert (read(tmp_path / f'show/{NAMES[0]}.png') == 76).all()


def test_a_sample_without_a_loader_shows_what_the_model_got(tmp_path):
    dataset = build_dataset(tmp_path / 'data')
    sample = SegDataSample(pred_sem_seg=PixelData(data=torch.full((1, 4, 6), 99)))
    sample.set_metainfo(dict(img_path='memory/x.tif', ori_shape=(4, 6)))
    dataset.pipeline.transforms = dataset.pipeline.transforms[1:]
    hook = ResultHook(show_dir=str(tmp_path / 'show'))
    runner = SimpleNamespace(
        test_loop=SimpleNamespace(dataloader=SimpleNamespace(dataset=dataset)),
        visualizer=VISUALIZERS.build(dict(type='SegLocalVisualizer', name='of mmseg')),
        iter=0,
    )
    inputs = torch.tensor([30, 60, 90], dtype=torch.uint8).view(3, 1, 1).expand(3, 2, 3)
    hook.after_test_iter(runner, 0, dict(inputs=[inputs]), [sample])
    assert (read(tmp_path / 'show/x.png') == [30, 60, 90]).all()
