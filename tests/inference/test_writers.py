"""Files of results, read back."""

from __future__ import annotations

import json
import sys

import cv2
import numpy as np
import pytest
from inference_model import META, draw, write_images, write_video, write_weights
from pycocotools import mask as coco_mask

from mmmaskformer.apis import MaskFormerInferencer
from mmmaskformer.datasets import CocoPanopticDataset
from mmmaskformer.evaluation.prediction_files import read_id_png


@pytest.fixture(scope='module')
def inferencer(tmp_path_factory):
    return MaskFormerInferencer(weights=write_weights(tmp_path_factory.mktemp('weights') / 'tiny.pth'))


def read(path):
    return cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)


def test_files_read_back_equal(inferencer, tmp_path):
    write_images(tmp_path / 'images/straße', [(40, 60), (50, 33), (64, 64), (60, 60), (64, 99)])
    results = inferencer(tmp_path / 'images')
    out = tmp_path / 'out'
    assert inferencer.save(tmp_path / 'images', out) == 5
    document = json.loads((out / 'panoptic.json').read_text(encoding='utf-8'))
    entries = {entry['file_name']: entry for entry in document['annotations']}
    assert [c['id'] for c in document['categories']] == list(META['category_ids'])
    for result in results:
        assert np.array_equal(read(out / 'label' / f'{result.name}.png'), result.semantic)
        ids = read_id_png(out / 'panoptic' / f'{result.name}.png')
        assert np.array_equal(ids, result.panoptic)
        listed = entries[f'{result.name}.png']['segments_info']
        assert [s['category_id'] for s in listed] == [META['category_ids'][i] for i in result.segments.labels]
        assert [s['area'] for s in listed] == result.segments.masks.sum((1, 2)).tolist()
        painted = read(out / 'overlay' / f'{result.name}.png')
        assert np.array_equal(painted, result.draw())
        check_json(json.loads((out / 'json' / f'{result.name}.json').read_text()), result)
    assert sum(len(result.segments) for result in results) > len(results), (
        'the model predicts too few segments for this test'
    )


def check_json(document, result):
    assert (document['height'], document['width']) == result.size
    kinds = dict(semantic=result.regions, panoptic=result.segments, instances=result.instances)
    for kind, segments in kinds.items():
        assert [entry['category'] for entry in document[kind]] == segments.names
        for entry, mask, box in zip(document[kind], segments.masks, segments.bboxes.tolist()):
            assert np.array_equal(coco_mask.decode(entry['segmentation']), mask)
            assert entry['area'] == mask.sum()
            left, top, width, height = entry['bbox']
            assert [left, top, left + width, top + height] == box
    assert [entry['score'] for entry in document['instances']] == result.instances.scores.tolist()


def test_panoptic_files_are_a_data_set(inferencer, tmp_path):
    write_images(tmp_path / 'images', [(40, 60), (50, 33)])
    inferencer.save(tmp_path / 'images', tmp_path, 'panoptic')
    dataset = CocoPanopticDataset(
        ann_file=str(tmp_path / 'panoptic.json'),
        data_prefix=dict(img_path=str(tmp_path / 'images'), seg_map_path=str(tmp_path / 'panoptic')),
    )
    assert dataset.metainfo['classes'] == META['classes']
    assert dataset.metainfo['thing_classes'] == META['thing_classes']
    info = dataset.get_data_info(1)
    assert info['img_id'] == 1
    assert (tmp_path / 'images/001.png').samefile(info['img_path'])
    assert read_id_png(info['seg_map_path']).shape == (50, 33)


def test_two_folders_of_the_same_names(inferencer, tmp_path):
    for place in 'ab':
        write_images(tmp_path / place, [(40, 60 if place == 'a' else 30)])
    assert inferencer.save([tmp_path / 'a', tmp_path / 'b/000.png'], tmp_path / 'out') == 2
    for kind in ('label', 'panoptic', 'overlay'):
        paths = sorted((tmp_path / 'out' / kind).rglob('*.png'))
        assert [path.relative_to(tmp_path / 'out' / kind).as_posix() for path in paths] == [
            'a/000.png',
            'b/000.png',
        ]
    assert read(tmp_path / 'out/label/a/000.png').shape == (40, 60)
    assert read(tmp_path / 'out/label/b/000.png').shape == (40, 30)
    document = json.loads((tmp_path / 'out/panoptic.json').read_text())
    assert [image['id'] for image in document['images']] == ['a/000', 'b/000']


def test_the_same_image_twice(inferencer, tmp_path):
    (path,) = write_images(tmp_path / 'a', [(40, 60)])
    assert inferencer.save([path, path], tmp_path / 'out', ['label', 'panoptic']) == 2
    assert sorted(p.name for p in (tmp_path / 'out/label').iterdir()) == ['000.png', '000_2.png']
    document = json.loads((tmp_path / 'out/panoptic.json').read_text())
    assert [image['id'] for image in document['images']] == [0, '000_2']


def test_video_becomes_a_video(inferencer, tmp_path):
    frames = [draw(45, 63, seed) for seed in range(30)]
    for name in ('one', 'two'):
        write_video(tmp_path / f'{name}.avi', [cv2.resize(f, (64, 46)) for f in frames], fps=10)
    semantic = MaskFormerInferencer(
        inferencer.model, tasks='semantic', pipeline=inferencer.config.test_pipeline
    )
    videos = [tmp_path / 'one.avi', tmp_path / 'two.avi']
    assert semantic.save(videos, tmp_path / 'out', ['overlay', 'label'], batch_size=4) == 60
    for name in ('one', 'two'):
        written = cv2.VideoCapture(str(tmp_path / f'out/overlay/{name}.mp4'))
        assert written.get(cv2.CAP_PROP_FPS) == 10
        painted = []
        while (frame := written.read())[0]:
            painted.append(frame[1])
        assert len(painted) == 30
        assert len(list((tmp_path / 'out/label' / name).iterdir())) == 30
    for result in semantic.stream(videos[0]):
        difference = np.abs(painted[result.input_image.frame].astype(int) - result.draw())
        assert difference.mean() < 25  # compressed, but this frame and no other
    assert painted[0].shape == (46, 64, 3)


def test_one_result(inferencer, tmp_path):
    (result,) = inferencer(draw(41, 61))
    paths = result.save(tmp_path)
    assert sorted(p.relative_to(tmp_path).as_posix() for p in paths) == [
        'json/image.json', 'label/image.png', 'overlay/image.png',
        'panoptic/image.json', 'panoptic/image.png',
    ]  # fmt: skip
    document = json.loads((tmp_path / 'panoptic/image.json').read_text())
    assert document['images'] == [dict(id='image', file_name='image.png', height=41, width=61)]


def test_files_are_complete_after_an_interrupt(inferencer, tmp_path):
    def images():
        for _ in range(4):  # one more is read than the batches read ahead
            yield draw(20, 30)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        inferencer.save(images(), tmp_path)
    entries = json.loads((tmp_path / 'panoptic.json').read_text())['annotations']
    assert [entry['file_name'] for entry in entries] == ['image.png', 'image_2.png']
    assert len(list(tmp_path.glob('panoptic/*.png'))) == 2


def test_windows(inferencer, tmp_path, monkeypatch):
    for name in ('DISPLAY', 'WAYLAND_DISPLAY'):
        monkeypatch.delenv(name, raising=False)
    if sys.platform.startswith('linux'):
        with pytest.raises(ValueError, match='There is no screen'):
            inferencer.save(draw(20, 30), tmp_path, 'label', show=True)
    monkeypatch.setenv('DISPLAY', ':0')
    shown = []
    monkeypatch.setattr(cv2, 'imshow', lambda title, input_image: shown.append(input_image.shape))
    monkeypatch.setattr(cv2, 'waitKey', lambda delay: ord('q') if len(shown) == 2 else -1)
    assert inferencer.save([draw(20, 30)] * 5, tmp_path, 'label', show=True) == 2


def test_formats_are_checked(inferencer, tmp_path):
    with pytest.raises(ValueError, match="saved as 'gif'"):
        inferencer.save(draw(20, 30), tmp_path, ['gif'])
    panoptic = MaskFormerInferencer(
        inferencer.model, tasks='panoptic', pipeline=inferencer.config.test_pipeline
    )
    with pytest.raises(ValueError, match="'label' needs the semantic result"):
        panoptic.save(draw(20, 30), tmp_path, ['label'])


def test_tool(tmp_path, root, warm_python):
    """Runs once with a missing input and once with a folder, in one process."""
    weights = write_weights(tmp_path / 'tiny.pth')
    write_images(tmp_path / 'images', [(40, 60), (50, 33)])
    code = """
        import runpy, sys
        tool, first, second, *options = sys.argv[1:]
        for image_input in (first, second):
            sys.argv[1:] = [image_input, *options]
            try:
                runpy.run_path(tool, run_name='__main__')
            except SystemExit as stopped:
                print(stopped.code)
    """
    done = warm_python(
        code, str(root / 'tools/infer.py'), 'nowhere.jpg', str(tmp_path / 'images'),
        '--weights', str(weights), '--out', str(tmp_path / 'out'), '--task', 'semantic',
        '--save', 'label', 'overlay', '--batch-size', '2', '--device', 'cpu', '--dtype', 'bf16',
    )  # fmt: skip
    assert 'Error: nowhere.jpg does not exist' in done.stdout
    assert f'2 results are in {tmp_path / "out"}' in done.stdout
    assert sorted(path.name for path in (tmp_path / 'out/label').iterdir()) == ['000.png', '001.png']
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == ['label', 'overlay']
