"""The page in headless Chromium, used as a person would, with a network of one convolution."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from browsing import ISOLATION, Visitor, browser, build_page, served

BLUE, RED = (30, 60, 250), (250, 20, 30)


def png(image):
    return cv2.imencode('.png', image[..., ::-1])[1].tobytes()


def two_colors(height=96, width=128):
    """Blue above, red below."""
    image = np.full((height, width, 3), BLUE, np.uint8)
    image[height // 2 :] = RED
    return image


@pytest.fixture(scope='module')
def tiny_model(tmp_path_factory):
    pytest.importorskip('onnx')
    from tiny_export import write_tiny_model

    return write_tiny_model(tmp_path_factory.mktemp('tiny') / 'model')


@pytest.fixture(scope='module')
def tiny_page(tiny_model, tmp_path_factory):
    return build_page(tiny_model, tmp_path_factory.mktemp('page') / 'dist')


@pytest.fixture
def chromium():
    with browser() as started:
        yield started


@pytest.mark.slow
def test_drop_read_click_from_a_disk(tiny_model, chromium, tmp_path):
    page = build_page(tiny_model, tmp_path / 'dist', '--without-webgpu') / 'segment.html'
    assert page.stat().st_size < 6e6
    visitor = Visitor(chromium, page.as_uri())
    assert visitor.page.inner_text('#used') == 'WebAssembly, SIMD, 1 thread'
    assert '128x96' in visitor.drop(png(two_colors()), 'two.png')
    assert visitor.legend() == {'sky': '50 %', 'car': '50 %'}
    assert visitor.click_at(0.5, 0.2).startswith('sky, segment 1: score 1.00, 50 % of the image')
    assert visitor.click_at(0.5, 0.8).startswith('car, segment 2: score 1.00')
    ids = cv2.imread(str(visitor.download(tmp_path / 'ids.png')), cv2.IMREAD_UNCHANGED)
    assert ids.shape == (96, 128)
    assert ids.dtype == np.uint8
    assert (ids[:47] == 1).all()
    assert (ids[49:] == 2).all()
    visitor.choose_task('semantic')
    assert list(visitor.legend())[:2] == ['sky', 'car']
    assert visitor.reading.startswith('car: score 0.')
    check_errors(visitor)
    assert visitor.faults == []


def check_errors(visitor):
    """Errors are sentences, and the next image works."""
    said = visitor.drop(b'not an image', 'notes.txt', 'notes.txt')
    assert said.startswith('notes.txt is not an image that this browser can read')
    huge = cv2.imencode('.png', np.zeros((6400, 6400), np.uint8))[1].tobytes()
    assert 'has 6400x6400 pixels, which is too large' in visitor.drop(huge, 'huge.png', 'huge.png')
    visitor.drop(png(two_colors(40, 40)), 'again.png')
    assert visitor.click_at(0.5, 0.1).startswith('sky')


@pytest.mark.soak
def test_stored_pixels_are_those_of_opencv(tiny_page, chromium):
    """EXIF turns an image; opacity and color profiles change no color."""
    visitor = Visitor(chromium, (tiny_page / 'segment.html').as_uri())
    from PIL import Image

    turned = io_bytes(lambda file: Image.fromarray(two_colors()).save(file, 'JPEG', exif=orientation(6)))
    visitor.drop(turned, 'turned.jpg')
    assert '96x128' in visitor.status
    assert visitor.click_at(0.1, 0.5).startswith('car')
    assert visitor.click_at(0.9, 0.5).startswith('sky')
    clear = np.dstack([two_colors(), np.full((96, 128), 1, np.uint8)])
    visitor.drop(io_bytes(lambda file: Image.fromarray(clear).save(file, 'PNG')), 'clear.png')
    assert visitor.legend() == {'sky': '50 %', 'car': '50 %'}
    shown = visitor.page.evaluate(
        "() => [...document.getElementById('image').getContext('2d').getImageData(3, 3, 1, 1).data]"
    )
    assert shown == [*BLUE, 255]


def io_bytes(write):
    import io

    file = io.BytesIO()
    write(file)
    return file.getvalue()


def orientation(number):
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = number
    return exif


@pytest.mark.soak
def test_camera_starts_and_stops(tiny_page, chromium):
    visitor = Visitor(chromium, (tiny_page / 'segment.html').as_uri())
    visitor.page.click('#camera')
    visitor.page.wait_for_function(
        "() => document.getElementById('timings').textContent.includes('per second')"
    )
    assert visitor.legend()
    assert visitor.page.inner_text('#camera') == 'Stop the camera'
    visitor.page.click('#camera')
    assert visitor.wait_for_status('The camera is off')
    assert visitor.faults == []


@pytest.mark.soak
def test_keys_alone_and_a_phone(tiny_page, chromium):
    visitor = Visitor(chromium, (tiny_page / 'segment.html').as_uri())
    visitor.page.set_viewport_size(dict(width=375, height=700))
    visitor.drop(png(two_colors()), 'two.png')
    assert visitor.page.evaluate('() => document.documentElement.scrollWidth') <= 375
    visitor.page.focus('#frame')
    for _ in range(15):
        visitor.page.keyboard.press('ArrowUp')
    assert visitor.reading.startswith('sky')
    visitor.page.focus('#legend button')
    visitor.page.keyboard.press('Enter')
    assert visitor.page.get_attribute('#legend button', 'aria-pressed') == 'true'
    visitor.page.focus('#opacity')
    visitor.page.keyboard.press('Home')
    assert visitor.page.evaluate("() => document.getElementById('overlay').style.opacity") == '0'


@pytest.mark.soak
def test_threads_on_an_isolated_host_and_other_models(tiny_page, chromium, tmp_path):
    with served(tiny_page, ISOLATION) as address:
        for page in ('segment.html', 'site/index.html'):
            visitor = Visitor(chromium, address + page)
            assert visitor.page.evaluate('() => self.crossOriginIsolated')
            visitor.choose_threads('2')
            assert visitor.page.inner_text('#used') == 'WebAssembly, SIMD, 2 threads'
            visitor.drop(png(two_colors()), 'two.png')
            assert visitor.legend() == {'sky': '50 %', 'car': '50 %'}
            assert visitor.faults == []


@pytest.mark.soak
def test_webgpu_or_a_sentence(tiny_page, chromium):
    """Without a graphics adapter the model runs on WebAssembly, and the page says why."""
    visitor = Visitor(chromium, (tiny_page / 'segment.html').as_uri())
    visitor.drop(png(two_colors()), 'two.png')
    visitor.choose_engine('webgpu')
    if visitor.page.inner_text('#used') != 'WebGPU':
        assert visitor.status.endswith(
            'There is no graphics adapter for WebGPU: the model runs on WebAssembly.'
        )
    assert visitor.legend() == {'sky': '50 %', 'car': '50 %'}


@pytest.mark.soak
def test_webgpu_that_fails(tiny_page, chromium):
    """An adapter that gives no device: the page falls back to WebAssembly by itself."""
    broken = '() => Promise.resolve({ info: { isFallbackAdapter: false }, features: new Set(), limits: {} })'
    visitor = Visitor(
        chromium,
        (tiny_page / 'segment.html').as_uri(),
        script=f"Object.defineProperty(navigator.gpu, 'requestAdapter', {{ value: {broken} }});",
    )
    assert visitor.page.inner_text('#used').startswith('WebAssembly')
    assert 'WebGPU failed (' in visitor.status
    assert visitor.status.endswith('the model runs on WebAssembly.')
    visitor.drop(png(two_colors()), 'two.png')
    assert visitor.legend() == {'sky': '50 %', 'car': '50 %'}


@pytest.mark.soak
def test_webgpu_in_software(tiny_page):
    """Chromium's software adapter runs the model when it is asked for."""
    software = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan']
    with browser(*software) as started:
        visitor = Visitor(started, (tiny_page / 'segment.html').as_uri())
        visitor.choose_engine('webgpu')
        if visitor.page.inner_text('#used') != 'WebGPU':
            pytest.skip(visitor.status)
        visitor.drop(png(two_colors()), 'two.png')
        assert visitor.legend() == {'sky': '50 %', 'car': '50 %'}


def test_models_that_the_page_does_not_show(tmp_path):
    pytest.importorskip('onnx')
    from tiny_export import write_tiny_model

    model = write_tiny_model(tmp_path / 'model', tasks=('instance',))
    with pytest.raises(
        AssertionError, match='does not show models with MaskFormerHead and the tasks instance'
    ):
        build_page(model, tmp_path / 'dist')
    file = model / 'metadata.json'
    file.write_text(json.dumps({**json.loads(file.read_text()), 'format_version': 2}))
    with pytest.raises(AssertionError, match='format version 2, and this page reads 1'):
        build_page(model, tmp_path / 'dist')
    with pytest.raises(AssertionError, match='does not exist: give a directory'):
        build_page(tmp_path / 'nothing', tmp_path / 'dist')
