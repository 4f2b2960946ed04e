"""Builds the page and uses it in headless Chromium as a person would."""

from __future__ import annotations

import base64
import functools
import http.server
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

WEB = Path(__file__).resolve().parents[2] / 'web'
CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')
SECONDS = 120
ISOLATION = {
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
}
DROP = """([text, name]) => {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name));
    for (const type of ['dragenter', 'dragover', 'drop']) {
        const event = new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true });
        document.getElementById('frame').dispatchEvent(event);
    }
}"""


def need_node() -> str:
    """The path of node; skips without it."""
    node = shutil.which('node')
    if node is None:
        pytest.skip('node is not installed')
    return node


def build_page(model: Path, out: Path, *options: str) -> Path:
    """Build the page with an exported model; skips where a build needs more than is installed."""
    node = need_node()
    if not (WEB / 'node_modules/esbuild').is_dir():
        pytest.skip('run `npm ci` in web/ first')
    done = subprocess.run(
        [node, WEB / 'build.js', model, '--out', out, *options], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return out


@contextmanager
def served(folder: Path, headers: dict[str, str] | None = None) -> Iterator[str]:
    """Serve a folder on this machine; yields its URL."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def end_headers(self) -> None:
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            super().end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{server.server_port}/'
        server.shutdown()


@contextmanager
def browser(*options: str) -> Iterator[Any]:
    """Headless Chromium with a camera that shows a test pattern."""
    playwright = pytest.importorskip('playwright.sync_api', reason='playwright is not installed')
    if CHROMIUM is None:
        pytest.skip('chromium is not installed')
    fake_camera = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(
            executable_path=CHROMIUM, args=['--no-sandbox', *fake_camera, *options]
        )
        try:
            yield started
        finally:
            started.close()


class Visitor:
    """A person at the page.

    Attributes:
        page: Playwright's page.
        faults: Exceptions of the page's scripts.
    """

    def __init__(self, browser: Any, url: str, script: str = '') -> None:
        self.page = browser.new_page(viewport=dict(width=1200, height=760))
        self.page.add_init_script(script)
        self.page.set_default_timeout(1000 * SECONDS)
        self.faults: list[str] = []
        self.page.on('pageerror', lambda error: self.faults.append(str(error)))
        self.page.goto(url)
        self.wait_for_status('Ready')

    def wait_for_status(self, start: str) -> str:
        """Wait until the page says so; returns the whole sentence."""
        self.page.wait_for_function(
            "start => document.getElementById('status').textContent.startsWith(start)", arg=start
        )
        return self.status

    @property
    def status(self) -> str:
        return self.page.inner_text('#status')

    @property
    def reading(self) -> str:
        return self.page.inner_text('#reading')

    def drop(self, content: bytes, name: str, expect: str = 'Segmented') -> str:
        """Drop a file; returns what the page says then."""
        self.page.evaluate(
            "() => document.getElementById('status').textContent = ''"
        )  # what it said of the last file is no answer
        self.page.evaluate(DROP, [base64.b64encode(content).decode(), name])
        return self.wait_for_status(expect)

    def legend(self) -> dict[str, str]:
        """Shares of the classes, by their names."""
        rows = self.page.query_selector_all('#legend button')
        return {
            row.query_selector('.name').inner_text(): row.query_selector('.share').inner_text()
            for row in rows
        }

    def click_at(self, x: float, y: float) -> str:
        """Click a place, in parts of the sides; returns the reading."""
        box = self.page.locator('#image').bounding_box()
        self.page.mouse.click(box['x'] + x * box['width'], box['y'] + y * box['height'])
        return self.reading

    def choose_engine(self, engine: str) -> None:
        """Choose what runs the model, and wait until it is loaded and the image is segmented again."""
        self._choose('#engine', engine)

    def choose_threads(self, number: str) -> None:
        """Choose the number of threads, and wait likewise."""
        self._choose('#threads', number)

    def _choose(self, select: str, value: str) -> None:
        has_image = self.page.get_attribute('#stage', 'data-state') == 'image'
        self.page.evaluate("() => { document.querySelector('details').open = true; }")
        self.page.evaluate("() => { document.getElementById('status').textContent = ''; }")
        self.page.select_option(select, value)
        self.wait_for_status('Segmented' if has_image else 'Ready')

    def choose_task(self, task: str) -> None:
        """Choose a task, and wait for its result."""
        self.page.evaluate("() => document.getElementById('timings').replaceChildren()")
        self.page.check(f'input[value={task}]')
        self.page.wait_for_function("() => document.getElementById('timings').children.length > 0")

    def download(self, path: Path) -> Path:
        """Save the label map as a person does."""
        with self.page.expect_download() as started:
            self.page.click('#download')
        started.value.save_as(path)
        return path
