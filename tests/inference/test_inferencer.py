"""Predictions in one call are the same for all kinds of inputs."""

from __future__ import annotations

import weakref
from itertools import islice

import cv2
import numpy as np
import pytest
import torch
from inference_model import (
    ALL_TASKS,
    META,
    build,
    config,
    draw,
    same,
    write_images,
    write_video,
    write_weights,
)

from mmmaskformer.apis import MaskFormerInferencer
from mmmaskformer.checkpoints import read_checkpoint
from mmmaskformer.checkpoints.config_of_checkpoint import read_config_text
from mmmaskformer.inference.sources import InputImage

# Any four in a row differ in their padded sizes after resizing.
SIZES = [
    size
    for k in range(5)
    for size in ((40 + k, 80 + 2 * k), (50 + 3 * k, 51 + k), (90 + k, 31), (20, 95 + k))
]


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    return write_weights(tmp_path_factory.mktemp('weights') / 'tiny.pth')


@pytest.fixture(scope='module')
def inferencer(weights):
    """Built from a checkpoint without a config file."""
    return MaskFormerInferencer(weights=weights, device='cpu')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp('data') / 'twenty'
    write_images(path, SIZES)
    return path


def test_folder_of_twenty_sizes_equals_one_by_one_exactly(inferencer, folder):
    assert len(set(SIZES)) == 20
    together = inferencer(folder, batch_size=4)
    assert [result.size for result in together] == SIZES
    assert [result.name for result in together] == [f'{number:03d}' for number in range(20)]
    alone = [inferencer(path)[0] for path in sorted(folder.iterdir())]
    assert all(same(*pair) for pair in zip(together, alone))
    assert len({tuple(result.segments.names) for result in together}) > 3, 'all alike: nothing was tested'


def test_images_of_one_size_run_together(inferencer, monkeypatch):
    images = [draw(96, 128, seed) for seed in range(6)]
    batches = []
    run = inferencer.model.extract_feat
    monkeypatch.setattr(inferencer.model, 'extract_feat', lambda x: (batches.append(len(x)), run(x))[1])
    together = inferencer(images, batch_size=4)
    assert batches == [4, 2]
    for input_image, result in zip(images, together):
        (alone,) = inferencer(input_image)
        assert (result.semantic != alone.semantic).mean() < 1e-3  # sums of floats, in another order
        np.testing.assert_allclose(result.segments.scores, alone.segments.scores, atol=1e-5)
        np.testing.assert_allclose(result.instances.scores, alone.instances.scores, atol=1e-5)


def test_results_are_those_of_the_model(inferencer):
    input_image = draw(96, 128)
    (result,) = inferencer(input_image)
    inputs = torch.from_numpy(cv2.resize(input_image, (85, 64)).transpose(2, 0, 1).copy())
    _, packed = inferencer.prepare(InputImage('image', image=input_image))
    assert torch.equal(packed['inputs'], inputs)
    with torch.no_grad():
        sample = inferencer.model.test_step(dict(inputs=[inputs], data_samples=[packed['data_samples']]))[0]
    assert np.array_equal(result.semantic, sample.pred_sem_seg.data[0])
    assert result.semantic.dtype == np.uint8
    assert np.array_equal(result.panoptic, sample.pred_panoptic_seg.data[0])
    assert [s.id for s in result.segments] == [s['id'] for s in sample.pred_segments_info]
    assert result.segments.scores.tolist() == [s['score'] for s in sample.pred_segments_info]
    assert result.instances.labels.tolist() == sample.pred_instances.labels.tolist()
    assert np.array_equal(result.instances.masks, sample.pred_instances.masks)
    assert np.array_equal(result.instances.bboxes, sample.pred_instances.bboxes)
    assert result.classes == [META['classes'][s['category_id']] for s in sample.pred_segments_info]
    assert np.array_equal(result.masks.any(0), result.panoptic > 0)
    assert all(s.isthing == (s.name in META['thing_classes']) for s in result.instances)


def test_results_are_those_of_mmseg(inferencer, weights, folder):
    from mmseg.apis import inference_model, init_model

    model = init_model(config(), str(weights), device='cpu')
    paths = [str(folder / f'{number:03d}.png') for number in range(4)]
    for result, sample in zip(inferencer(paths, batch_size=4), inference_model(model, paths)):
        assert np.array_equal(result.semantic, sample.pred_sem_seg.data[0])
        assert np.array_equal(result.panoptic, sample.pred_panoptic_seg.data[0])


def test_video_of_thirty_frames(inferencer, tmp_path):
    frames = [draw(48, 64, seed) for seed in range(30)]
    path = write_video(tmp_path / 'kurz film.avi', frames)
    results = inferencer(path, batch_size=4)
    assert [result.input_image.frame for result in results] == list(range(30))
    assert results[7].name == 'kurz film/000007'
    decoded = []
    capture = cv2.VideoCapture(str(path))
    while (read := capture.read())[0]:
        decoded.append(read[1])
    assert len(decoded) == 30
    singles = [inferencer(frame)[0] for frame in decoded]
    for result, expected in zip(results, singles):
        np.testing.assert_allclose(result.instances.scores, expected.instances.scores, atol=1e-5)
        assert (result.semantic != expected.semantic).mean() < 1e-3
    assert len({tuple(single.instances.scores.round(4)) for single in singles}) == 30, 'frames look alike'
    assert results[3].image is None
    with pytest.raises(ValueError, match='frame 3 was not stored'):
        results[3].draw()


def test_generator_is_consumed_as_results_are_taken(inferencer):
    drawn = []

    def images():
        for number in range(10**9):
            drawn.append(number)
            yield draw(20, 30, number % 7)

    stream = inferencer.stream(images(), batch_size=2)
    assert drawn == []
    names = [result.name for result in islice(stream, 5)]
    assert names == ['image', 'image_2', 'image_3', 'image_4', 'image_5']
    assert len(drawn) <= 5 + 3 * 2
    stream.close()


def test_images_are_not_kept(inferencer):
    images = []

    def draw_and_watch():
        for number in range(40):
            input_image = draw(20, 30, number)
            images.append(weakref.ref(input_image))
            yield input_image

    results, most = [], 0
    for result in inferencer.stream(draw_and_watch(), batch_size=2):
        results.append(weakref.ref(result))
        del result
        most = max(most, sum(ref() is not None for ref in images))
        assert sum(ref() is not None for ref in results) <= 2
    assert len(results) == 40
    assert most <= 2 + 3 * 2


@pytest.mark.parametrize(
    ('name', 'input_image'),
    [
        ('grey', draw(40, 60)[..., 0]),
        ('opaque', np.dstack([draw(40, 60), np.full((40, 60), 99, np.uint8)])),
        ('deep', draw(40, 60).astype(np.uint16) * 257),
        ('deep_grey', draw(40, 60)[..., 1].astype(np.uint16) * 257 + 3),
    ],
)
def test_grey_transparent_and_deep_images(inferencer, tmp_path, name, input_image):
    path = tmp_path / f'{name}_straße_图片.png'
    path.write_bytes(cv2.imencode('.png', input_image)[1].tobytes())
    plain = input_image if input_image.dtype == np.uint8 else (input_image // 256).astype(np.uint8)
    plain = np.repeat(plain[..., None], 3, 2) if plain.ndim == 2 else plain[..., :3]
    expected = inferencer(np.ascontiguousarray(plain))[0]
    for image_input in (path, input_image):
        (result,) = inferencer(image_input)
        assert same(result, expected)
        assert np.array_equal(result.draw(), expected.draw())
    assert inferencer(path)[0].name == f'{name}_straße_图片'


def test_broken_images(inferencer, folder, tmp_path, caplog):
    broken = tmp_path / 'broken.png'
    broken.write_bytes((folder / '000.png').read_bytes()[:60])
    inputs = [
        folder / '001.png',
        broken,
        tmp_path / 'missing.png',
        folder / '002.png',
        np.zeros((0, 4, 3), 'u1'),
    ]
    results = inferencer(inputs, skip_broken=True, batch_size=2)
    assert [result.name.split('/')[-1] for result in results] == ['001', '002']
    assert len(inferencer.skipped) == 3
    assert 'broken.png cannot be read' in inferencer.skipped[0]
    with pytest.raises(ValueError, match=r'The image .*broken\.png cannot be read'):
        inferencer(broken)
    with pytest.raises(FileNotFoundError, match=r'missing\.png does not exist'):
        inferencer(inputs)
    with pytest.raises(ValueError, match='float32 and shape'):
        inferencer(np.zeros((4, 4, 3), np.float32))


@pytest.mark.parametrize('task', ALL_TASKS)
def test_tasks_select_results(weights, inferencer, task):
    one = MaskFormerInferencer(weights=weights, tasks=task)
    (result,) = one(draw(96, 128))
    (full,) = inferencer(draw(96, 128))
    present = dict(semantic=result.semantic, panoptic=result.panoptic, instance=result.instances)
    assert [name for name, value in present.items() if value is not None] == [task]
    if task == 'instance':
        assert list(result.found) == list(full.instances)
    elif task == 'panoptic':
        assert np.array_equal(result.panoptic, full.panoptic)
    else:
        assert np.array_equal(result.semantic, full.semantic)
        assert result.found.names == [META['classes'][label] for label in np.unique(result.semantic)]


def test_built_model_keeps_its_settings(inferencer):
    model = inferencer.model
    before = dict(model.test_cfg)
    semantic = MaskFormerInferencer(model, tasks='semantic', pipeline=config().test_pipeline)
    next(semantic.stream(draw(40, 60)))
    assert dict(model.test_cfg) == before


def test_half_precision_on_the_cpu(inferencer):
    half = MaskFormerInferencer(inferencer.model, device='cpu', dtype='bf16', pipeline=config().test_pipeline)
    dtypes = []
    handle = inferencer.model.decode_head.mask_embed[-1].register_forward_hook(
        lambda module, args, output: dtypes.append(output.dtype)
    )
    input_image = draw(96, 128)
    (rough,), (exact,) = half(input_image), inferencer(input_image)
    handle.remove()
    assert dtypes == [torch.bfloat16, torch.float32]
    assert (rough.semantic == exact.semantic).mean() > 0.8
    with pytest.raises(ValueError, match="dtype='fp16' is for GPUs"):
        MaskFormerInferencer(inferencer.model, device='cpu', dtype='fp16', pipeline=config().test_pipeline)


def test_models_by_config_name_and_checkpoint(weights, inferencer, tmp_path):
    input_image = draw(96, 128)
    (expected,) = inferencer(input_image)
    config().dump(tmp_path / 'tiny.py')
    built = build()
    built.cfg = config()
    for arguments in ((tmp_path / 'tiny.py', weights), (config(), str(weights)), (str(weights),)):
        assert same(MaskFormerInferencer(*arguments)(input_image)[0], expected)
    assert same(MaskFormerInferencer(built, classes=META)(input_image)[0], expected)


@pytest.mark.parametrize(
    ('name', 'file'), [('semantic_r', 'semantic_r.pkl'), ('hf_swin', 'hf_swin'), ('hf_eomt', 'hf_eomt')]
)
def test_weights_of_other_code_bases(root, name, file):
    golden = root / 'tests/golden'
    inferencer = MaskFormerInferencer(
        golden / f'configs/{name}.py', golden / file, tasks='semantic', pipeline=config().test_pipeline
    )
    state = inferencer.model.state_dict()
    assert all(
        torch.equal(state[key], tensor) for key, tensor in read_checkpoint(golden / file).state.items()
    )
    assert inferencer(draw(64, 96))[0].classes[0].startswith('class ')


def test_error_messages(weights, inferencer, tmp_path):
    pipeline = config().test_pipeline
    slide, plain = config(), config()
    slide.model.test_cfg = dict(mode='slide', crop_size=(32, 32), stride=(16, 16))
    plain.model.update(type='EncoderDecoder', test_cfg=dict(mode='whole'))
    cases = [
        (dict(), ValueError, 'nothing to predict with'),
        (dict(model='r50_ade20'), FileNotFoundError, r'did you mean .*r50_ade20k'),
        (dict(weights=tmp_path / 'no.pth'), FileNotFoundError, r'no\.pth does not exist'),
        (
            dict(model=inferencer.model, tasks='depth', pipeline=pipeline),
            ValueError,
            "task 'depth' is unknown",
        ),
        (
            dict(model=inferencer.model, device='cuda:99', pipeline=pipeline),
            ValueError,
            "device='cuda:99', but",
        ),
        (dict(model=inferencer.model), ValueError, 'test_pipeline'),
        (dict(model=slide, tasks='panoptic'), ValueError, "mode='slide'"),
        (dict(model=plain, tasks='instance'), ValueError, 'EncoderDecoder has no instance results'),
        (
            dict(model='maskformer_r18_toy', weights=weights),
            ValueError,
            r'tiny\.pth.*(does not fit|num_classes)',
        ),
    ]
    for arguments, kind, message in cases:
        with pytest.raises(kind, match=message):
            MaskFormerInferencer(**arguments)
    (tmp_path / 'cut.pth').write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(ValueError, match=r'cut\.pth'):
        MaskFormerInferencer(weights=tmp_path / 'cut.pth')


def test_things_must_be_known_for_panoptic_results(tmp_path):
    bare = write_weights(tmp_path / 'bare.pth', dataset_meta=dict(classes=META['classes']))
    with pytest.raises(ValueError, match='need the thing classes'):
        MaskFormerInferencer(weights=bare)
    with_things = MaskFormerInferencer(weights=bare, classes=dict(thing_classes=['car']))
    assert with_things.classes.things == {'car'}
    semantic = MaskFormerInferencer(weights=bare, tasks='semantic')
    assert semantic(draw(40, 60))[0].found[0].isthing is None


def test_config_of_a_checkpoint_is_read_but_not_run():
    written = config(lists=[(1,), {'a-b': float('inf'), 3: None}], note="it's")
    assert read_config_text(written.pretty_text, 'w.pth').to_dict() == written.to_dict()
    for line in ('import os', "a = open('x')", 'a = dict(**b)', "a = __import__('os').system('true')"):
        with pytest.raises(ValueError, match=r'code of checkpoints is not run'):
            read_config_text(line, 'w.pth')
