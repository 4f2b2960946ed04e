"""The page with lite0_toy gives the label map and the segments of the inferencer."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from browsing import ISOLATION, Visitor, browser, build_page, served
from PIL import Image

pytestmark = pytest.mark.soak
SCREENSHOT = 'web_demo.png'


@pytest.fixture(scope='module')
def page(tmp_path_factory, run_python, root):
    pytest.importorskip('onnxscript')
    pytest.importorskip('timm')
    if not (root / 'tools/export.py').is_file():
        pytest.skip('there is no tools/export.py')
    folder = tmp_path_factory.mktemp('lite0')
    run_python(None, f'{root}/tools/export.py', 'lite0_toy', '--to', 'onnx', '--out', f'{folder}/model')
    return build_page(folder / 'model', folder / 'dist', '--example', f'{root}/web/example.jpg')


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    """A scene, and the same larger and smaller than the input."""
    from mmmaskformer.toy_scenes import draw_scene

    folder = tmp_path_factory.mktemp('images')
    scene = draw_scene(np.random.default_rng([7, 3])).image[..., ::-1]
    cv2.imwrite(str(folder / 'scene.png'), scene)
    cv2.imwrite(str(folder / 'photograph.jpg'), cv2.resize(scene, (900, 640), interpolation=cv2.INTER_CUBIC))
    cv2.imwrite(str(folder / 'small.jpg'), cv2.resize(scene, (101, 77)))
    return sorted(folder.iterdir())


@pytest.fixture(scope='module')
def expected(images):
    from mmmaskformer.apis import MaskFormerInferencer

    inferencer = MaskFormerInferencer('lite0_toy', device='cpu', tasks=('semantic', 'panoptic'))
    return dict(zip(images, inferencer(list(map(str, images)))))


def test_label_maps_equal_those_of_python(page, expected, tmp_path):
    with served(page, ISOLATION) as address, browser() as chromium:
        for url in ((page / 'segment.html').as_uri(), f'{address}site/index.html'):
            visitor = Visitor(chromium, url)
            for path, result in expected.items():
                visitor.drop(path.read_bytes(), path.name)
                check_panoptic(visitor, result, tmp_path)
                visitor.choose_task('semantic')
                labels = read_map(visitor, tmp_path)
                assert (labels == result.semantic).mean() >= 0.999, path.name
                shares = np.bincount(labels.ravel()) / labels.size
                assert len(visitor.legend()) == np.count_nonzero(shares)
                visitor.choose_task('panoptic')
            assert visitor.faults == []


def read_map(visitor, folder: Path):
    return cv2.imread(str(visitor.download(folder / 'map.png')), cv2.IMREAD_UNCHANGED)


def check_panoptic(visitor, result, folder: Path) -> None:
    assert (read_map(visitor, folder) == result.panoptic).mean() >= 0.999
    segment = max(result.segments, key=lambda segment: segment.area)
    rows, columns = np.nonzero(segment.mask)
    middle = len(rows) // 2
    height, width = result.size
    reading = visitor.click_at((columns[middle] + 0.5) / width, (rows[middle] + 0.5) / height)
    assert reading.startswith(f'{segment.name}, segment {segment.id}: score {segment.score:.2f}'), reading


def test_example_and_screenshot(page, root):
    """Leaves the figure of docs/browser.md in soak-results/."""
    file = root / 'soak-results' / SCREENSHOT
    file.parent.mkdir(exist_ok=True)
    with browser() as chromium:
        visitor = Visitor(chromium, (page / 'segment.html').as_uri())
        visitor.page.click('#example')
        visitor.wait_for_status('Segmented')
        assert visitor.click_at(0.3, 0.6).startswith('person, segment')
        visitor.page.screenshot(path=str(file))
    Image.open(file).convert('RGB').quantize(256).save(file, optimize=True)
    assert file.stat().st_size < 300_000
