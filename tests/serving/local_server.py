"""A server in a thread of the test, and requests to it."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import uvicorn

BOUNDARY = 'between-the-parts'
START_SECONDS = 20


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)

    def error(self) -> str:
        """The sentence of an error, which is all that it has."""
        answer = self.json()
        assert list(answer) == ['error']
        return answer['error']


class Client:
    """Sends requests to a server of this machine."""

    def __init__(self, port: int) -> None:
        self.port = port

    def get(self, path: str, **headers: str) -> Answer:
        return self.request('GET', path, None, headers)

    def post(self, body: Any, query: str = '', kind: str = 'image/png', **headers: str) -> Answer:
        return self.request('POST', f'/predict{query}', body, {'Content-Type': kind, **headers})

    def form(self, files: dict[str, bytes], query: str = '') -> Answer:
        return self.post(form_of(files), query, f'multipart/form-data; boundary={BOUNDARY}')

    def request(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Answer:
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=60)
        named = {name.replace('_', '-'): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        response = connection.getresponse()
        answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        connection.close()
        return answer


def form_of(files: dict[str, bytes]) -> bytes:
    """A body of a form with files."""
    head = 'Content-Disposition: form-data; name="images"; filename="{}"\r\nContent-Type: image/png\r\n\r\n'
    parts = [f'--{BOUNDARY}\r\n{head.format(name)}'.encode() + data + b'\r\n' for name, data in files.items()]
    return b''.join(parts) + f'--{BOUNDARY}--\r\n'.encode()


class Running(NamedTuple):
    server: uvicorn.Server
    thread: threading.Thread
    client: Client


@contextmanager
def running(app: Any) -> Iterator[Running]:
    """A server for an application, on a free port."""
    # without uvicorn's log_config, which would close the log files of MMEngine in this process
    settings = uvicorn.Config(
        app, port=0, log_config=None, log_level='critical', timeout_graceful_shutdown=10
    )
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        end = time.monotonic() + START_SECONDS
        while not server.started and thread.is_alive() and time.monotonic() < end:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Running(server, thread, Client(port))
    finally:
        server.should_exit = True
        thread.join()
