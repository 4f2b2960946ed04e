"""A local server that speaks the hub's protocol, as far as reading and writing models needs it."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

SHA = '0123456789abcdef0123456789abcdef01234567'
LARGE = '.safetensors'  # stored by LFS, whose checksum is a sha256


@dataclass
class Hub:
    """Repositories of the server, and how it misbehaves.

    Attributes:
        files: Content by name, of each repository.
        revisions: Commits by the names of branches and tags.
        refusal: Status and ``X-Error-Code`` of every answer.
        pages: Names of files in whose place the server sends a page of HTML.
        swapped: Content that is sent in place of the announced one, by name of the file.
        announced: Sizes that ``HEAD`` announces in place of the right ones.
        cut: Names of files of which half is sent before the connection ends.
        broken: The API answers with HTML.
        requests: Method and path of each request.
        tokens: What came as authorization.
        uploads: Content that was uploaded to LFS, by its sha256.
        created: Repositories that were created, with the request.
    """

    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    revisions: dict[str, str] = field(default_factory=lambda: {'main': SHA})
    refusal: tuple[int, str] | None = None
    pages: set[str] = field(default_factory=set)
    swapped: dict[str, bytes] = field(default_factory=dict)
    announced: dict[str, int] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)
    broken: bool = False
    requests: list[str] = field(default_factory=list)
    tokens: set[str | None] = field(default_factory=set)
    uploads: dict[str, bytes] = field(default_factory=dict)
    created: dict[str, dict] = field(default_factory=dict)


def etag(name: str, content: bytes) -> str:
    if name.endswith(LARGE):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b'blob %d\0' % len(content) + content).hexdigest()


@contextmanager
def serve(hub: Hub) -> Iterator[str]:
    """The address of a server of a hub, while it runs."""
    handler = type('Handler', (_Handler,), dict(hub=hub))
    server = ThreadingHTTPServer(('127.0.0.1', 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs=dict(poll_interval=0.01))
    thread.start()
    try:
        yield f'http://127.0.0.1:{server.server_port}'
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_: object) -> None:
        """Silent."""

    def do_HEAD(self) -> None:
        self._answer('HEAD')

    def do_GET(self) -> None:
        self._answer('GET')

    def do_POST(self) -> None:
        self._answer('POST')

    def do_PUT(self) -> None:
        self._answer('PUT')

    def _answer(self, method: str) -> None:
        path = unquote(self.path.partition('?')[0])
        body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
        self.hub.requests.append(f'{method} {path}')
        self.hub.tokens.add(self.headers.get('Authorization'))
        if self.hub.refusal:
            status, code = self.hub.refusal
            return self._send(status, b'{"error": "refused"}', {'X-Error-Code': code} if code else {})
        if method in ('POST', 'PUT'):
            return self._write(path, body)
        if path.startswith('/api/models/'):
            return self._describe(path.removeprefix('/api/models/'))
        return self._resolve(path.strip('/'))

    def _describe(self, path: str) -> None:
        """``ORG/NAME``, ``ORG/NAME/revision/REVISION`` and ``ORG/NAME/tree/REVISION``."""
        if self.hub.broken:
            return self._send(200, b'<html>log in to the network</html>', {'Content-Type': 'text/html'})
        repo, rest = '/'.join(path.split('/')[:2]), path.split('/')[2:]
        revision = '/'.join(rest[1:]) or 'main'
        sha = self.hub.revisions.get(revision, revision if revision in self.hub.revisions.values() else '')
        if repo not in self.hub.files:
            return self._send(404, b'{}', {'X-Error-Code': 'RepoNotFound'})
        if not sha:
            return self._send(404, b'{}', {'X-Error-Code': 'RevisionNotFound'})
        files = self.hub.files[repo].items()
        if rest and rest[0] == 'tree':
            return self._json([_entry(name, content) for name, content in files])
        return self._json(dict(id=repo, sha=sha, siblings=[dict(rfilename=name) for name, _ in files]))

    def _resolve(self, path: str) -> None:
        """``ORG/NAME/resolve/REVISION/FILE``."""
        if path.count('/') < 4:
            return self._send(404, b'', {})
        org, name, _, revision, file = path.split('/', 4)
        content = self.hub.files.get(f'{org}/{name}', {}).get(file)
        sha = self.hub.revisions.get(revision, revision)
        if content is None:
            return self._send(404, b'', {'X-Error-Code': 'EntryNotFound', 'X-Repo-Commit': sha})
        size = self.hub.announced.get(file, len(content))
        headers = {'ETag': f'"{etag(file, content)}"', 'X-Repo-Commit': sha, 'X-Linked-Size': str(size)}
        if file in self.hub.pages:
            return self._send(200, b'<html>log in to the network</html>', {'Content-Type': 'text/html'})
        content = self.hub.swapped.get(file, content)
        return self._send(200, content, headers, len(content) // 2 if file in self.hub.cut else None)

    def _write(self, path: str, body: bytes) -> None:
        if path == '/api/validate-yaml':
            return self._json(dict(errors=[], warnings=[]))
        if path == '/api/repos/create':
            request = json.loads(body)
            repo = '/'.join(filter(None, (request.get('organization'), request['name'])))
            self.hub.created[repo] = request
            self.hub.files.setdefault(repo, {})
            return self._json(dict(url=f'{self._root()}/{repo}', name=repo))
        if '/preupload/' in path:
            names = [file['path'] for file in json.loads(body)['files']]
            modes = {name: 'lfs' if name.endswith(LARGE) else 'regular' for name in names}
            files = [dict(path=name, uploadMode=mode, shouldIgnore=False) for name, mode in modes.items()]
            return self._json(dict(files=files))
        if path.endswith('/info/lfs/objects/batch'):
            objects = [self._upload_action(entry) for entry in json.loads(body)['objects']]
            return self._json(dict(transfer='basic', objects=objects))
        if path.startswith('/lfs/'):
            self.hub.uploads[hashlib.sha256(body).hexdigest()] = body
            return self._send(200, b'{}', {})
        return self._commit('/'.join(path.split('/')[3:5]), body)

    def _upload_action(self, entry: dict) -> dict:
        return dict(**entry, actions=dict(upload=dict(href=f'{self._root()}/lfs/{entry["oid"]}')))

    def _commit(self, repo: str, body: bytes) -> None:
        for line in map(json.loads, body.decode().splitlines()):
            value = line['value']
            if line['key'] == 'file':
                self.hub.files[repo][value['path']] = base64.b64decode(value['content'])
            elif line['key'] == 'lfsFile':
                self.hub.files[repo][value['path']] = self.hub.uploads[value['oid']]
        url = f'{self._root()}/{repo}/commit/{SHA}'
        self._json(dict(commitUrl=url, commitOid=SHA, success=True))

    def _root(self) -> str:
        return f'http://{self.headers["Host"]}'

    def _json(self, content: object) -> None:
        self._send(200, json.dumps(content).encode(), {'Content-Type': 'application/json'})

    def _send(self, status: int, content: bytes, headers: dict[str, str], number: int | None = None) -> None:
        """Send an answer, or the given number of its bytes."""
        self.send_response(status)
        for name, value in {**headers, 'Content-Length': str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(content[:number])
            self.close_connection = number is not None


def _entry(name: str, content: bytes) -> dict:
    entry = dict(type='file', path=name, size=len(content), oid=etag(name.removesuffix(LARGE), content))
    if name.endswith(LARGE):
        entry['lfs'] = dict(oid=etag(name, content), size=len(content), pointerSize=130)
    return entry
