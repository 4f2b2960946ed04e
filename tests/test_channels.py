"""Images of other than three channels of 8 bits: docs/channels.md, from browsing to prediction."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmmaskformer.apis import MaskFormerInferencer, browse_dataset, evaluate_model, train_model
from mmmaskformer.inference.preparation import Preparation
from mmmaskformer.inference.sources import InputImage
from mmmaskformer.registry import TRANSFORMS

SIZE = (96, 128)
SMALL = {
    'Resize': dict(scale=SIZE[::-1]),
    'RandomResize': dict(scale=SIZE[::-1]),
    'RandomCrop': dict(crop_size=SIZE),
}


@TRANSFORMS.register_module()
class LoadImageOfNumbers:
    """A user's loader of NumPy files."""

    def __init__(self, **_):
        pass

    def __call__(self, results):
        image = np.load(results['img_path'])
        results.update(img=image, img_shape=image.shape[:2], ori_shape=image.shape[:2])
        return results


def draw(channels, dtype, seed):
    image = np.random.default_rng(seed).integers(0, 256, (*SIZE, channels))
    return (image * 200 if dtype == np.uint16 else image / 8 if dtype == np.float32 else image).astype(dtype)


def four_bands(root, folder, channels, dtype):
    """The config of the page, small, and its data."""
    suffix = '.npy' if dtype == np.float32 else '.png'
    for split in ('train', 'val'):
        for drive in ('a', 'b'):
            for kind in ('img', 'ann'):
                (folder / 'data' / kind / split / drive).mkdir(parents=True)
            image = draw(channels, dtype, len(drive + split))
            path = folder / 'data/img' / split / drive / f'1{suffix}'
            np.save(path, image) if suffix == '.npy' else cv2.imwrite(str(path), image)
            labels = np.zeros(SIZE, np.uint8)
            labels[:, 64:] = 1
            cv2.imwrite(str(folder / 'data/ann' / split / drive / '1.png'), labels)
    (code,) = re.findall(r'```python\n(.*?)```', (root / 'docs/channels.md').read_text(), re.S)
    (folder / 'four_bands.py').write_text(code.replace('mmmaskformer::', f'{root}/configs/'))
    cfg = Config.fromfile(folder / 'four_bands.py')
    for phase in ('train', 'val', 'test'):
        loader = cfg[f'{phase}_dataloader']
        loader.update(num_workers=0, persistent_workers=False, batch_size=1)
        loader.dataset.update(data_root=str(folder / 'data'), img_suffix=suffix)
        for transform in loader.dataset.pipeline:
            transform.update(SMALL.get(transform.type, {}))
        if suffix == '.npy':
            loader.dataset.pipeline[0] = dict(type='mmmaskformer.LoadImageOfNumbers')
    mean = dict(mean=[110.0] * channels, std=[50.0] * channels)
    cfg.model.data_preprocessor.update(mean)
    cfg.model.backbone.update(in_channels=channels, depth=18, stem_channels=8, base_channels=8, init_cfg=None)
    cfg.model.decode_head.update(in_channels=[8, 16, 32, 64], num_queries=5)
    cfg.model.decode_head.pixel_decoder = dict(
        type='mmmaskformer.FPNPixelDecoder', channels=32, mask_channels=32
    )
    cfg.model.decode_head.transformer_decoder = dict(
        type='mmmaskformer.MaskFormerTransformerDecoder', channels=32, num_layers=1, ffn_channels=32
    )
    cfg.train_cfg.update(max_iters=1, val_interval=1)
    cfg.default_hooks.visualization.update(draw=True, interval=1)
    cfg.visualizer.name = str(folder)
    cfg.update(work_dir=str(folder / 'work'), launcher='none', experiment_name=folder.name)
    return cfg


@pytest.mark.parametrize(
    ('channels', 'dtype'),
    [
        (4, np.uint8),
        (6, np.float32),
        pytest.param(2, np.float32, marks=pytest.mark.slow),
        pytest.param(1, np.uint16, marks=pytest.mark.slow),
    ],
)
def test_from_browsing_to_prediction(root, tmp_path, channels, dtype):
    cfg = four_bands(root, tmp_path, channels, dtype)
    for path in browse_dataset(cfg, str(tmp_path / 'browse'), 'val'):
        assert cv2.imread(path).shape == (*SIZE, 3)
    train_model(cfg.copy())
    names = ['a/1', 'b/1']
    assert files(tmp_path / 'work', 'val/*/*.png') == [f'{name}_1' for name in names]
    cfg.visualizer.name = f'{tmp_path} in testing'
    cfg.experiment_name += ' in testing'
    checkpoint = str(tmp_path / 'work/iter_1.pth')
    evaluate_model(cfg.copy(), checkpoint, str(tmp_path / 'out'), str(tmp_path / 'show'))
    assert files(tmp_path / 'out', '*/*.png') == files(tmp_path / 'show', '*/*.png') == names
    inferencer = MaskFormerInferencer(cfg, checkpoint, device='cpu')
    suffix = cfg.test_dataloader.dataset.img_suffix
    (from_file,) = inferencer(tmp_path / f'data/img/val/a/1{suffix}')
    (from_array,) = inferencer(draw(channels, dtype, len('aval')))
    assert np.array_equal(from_file.semantic, from_array.semantic)
    assert np.array_equal(from_file.draw(), from_array.draw())
    written = cv2.imread(str(tmp_path / 'out/a/1.png'), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(written, from_file.semantic)
    with pytest.raises(ValueError, match=f'has 5 channels, but the model takes {channels}'):
        inferencer(draw(5, np.uint8, 0))


def test_tiff_of_many_bands(tmp_path):
    tifffile = pytest.importorskip('tifffile')
    init_default_scope('mmseg')
    for number, dtype in enumerate((np.uint8, np.uint16, np.float32)):
        image, path = draw(6, dtype, 0), tmp_path / f'{number}.tif'
        tifffile.imwrite(path, image, photometric='minisblack', planarconfig='contig')
        load = dict(
            type='mmmaskformer.LoadImageFromFile', color_type='unchanged', imdecode_backend='tifffile'
        )
        prepare = Preparation([load], 6)
        assert np.array_equal(prepare.read(InputImage('x', str(path))), image)
        assert np.array_equal(prepare.read(InputImage('x', image=image)), image)
        assert prepare.is_rgb


def files(folder, pattern):
    found = [path.with_suffix('') for path in folder.rglob(pattern)]
    return sorted('/'.join(path.parts[-2:]) for path in found)


def test_colors_alone(tmp_path):
    """Of a config for three channels of 8 bits."""
    init_default_scope('mmseg')
    prepare = Preparation([dict(type='LoadImageFromFile', _scope_='mmmaskformer')], 3)
    with pytest.raises(ValueError, match=r'shape \(96, 128, 6\).*color_type='):
        prepare.read(InputImage('x', image=draw(6, np.uint8, 0)))
    grey = Preparation([dict(type='LoadImageFromFile', color_type='grayscale', to_float32=True)], 1)
    color = np.full((2, 2, 3), (0, 0, 255), np.uint8)
    cv2.imwrite(str(tmp_path / 'x.png'), color)
    for input_image in (InputImage('x', image=color), InputImage('x', str(tmp_path / 'x.png'))):
        found = grey.read(input_image)
        assert (found.dtype, found.tolist()) == (np.float32, [[76.0, 76.0]] * 2)


@pytest.mark.parametrize('training', [True, False])
@pytest.mark.parametrize('settings', [{}, dict(size_divisor=4)])
@pytest.mark.parametrize('channels', [1, 2, 3, 4, 6])
def test_the_first_three_channels_are_turned(training, settings, channels):
    init_default_scope('mmseg')
    size = dict(size=(4, 4)) if training and not settings else {}
    preprocessor = MODELS.build(
        dict(
            type='mmmaskformer.MaskFormerDataPreProcessor',
            mean=[float(index) for index in range(channels)],
            std=[1.0] * channels,
            bgr_to_rgb=True,
            **(settings or size),
        )
    )
    bands = torch.arange(channels, dtype=torch.uint8) * 10
    image = bands.view(-1, 1, 1).expand(-1, 4, 4)
    sample = SegDataSample(gt_sem_seg=PixelData(data=torch.zeros(1, 4, 4, dtype=torch.long)))
    sample.set_metainfo(dict(img_shape=(4, 4)))
    batch = preprocessor(dict(inputs=[image], data_samples=[sample]), training)
    order = [2, 1, 0, *range(3, channels)] if channels >= 3 else range(channels)
    expected = [10.0 * place - index for index, place in enumerate(order)]
    assert batch['inputs'][0, :, 0, 0].tolist() == expected
