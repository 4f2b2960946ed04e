#!/usr/bin/env python
"""Load a server of `mmmaskformer serve` with many clients: requests a second and latency, by size of batch.

For each size a server is started in a process of its own. Clients of this process send images as fast as
they are answered, over connections that are kept; each answer is compared with that for the image alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent.parent
PORT = 8765
START_SECONDS = 180
TOLERANCE = 1e-3  # of scores


class Load(NamedTuple):
    """What clients saw.

    Attributes:
        seconds: From the first request to the last answer.
        latencies: Seconds of each request, sorted.
        refused: Number of answers with 503.
        wrong: Number of answers that differ from those of single requests.
    """

    seconds: float
    latencies: list[float]
    refused: int
    wrong: int

    def row(self, title: str) -> str:
        """A line of the table."""
        middle, late = (1000 * self.latencies[share] for share in (self._at(0.5), self._at(0.95)))
        rate = len(self.latencies) / self.seconds
        return f'| {title} | {rate:.1f} | {middle:.0f} | {late:.0f} | {self.refused} | {self.wrong} |'

    def _at(self, share: float) -> int:
        return math.ceil(share * len(self.latencies)) - 1


class Connection:
    """A connection to the server that is kept."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> Connection:
        return cls(*await asyncio.open_connection('127.0.0.1', port))

    async def predict(self, image: bytes, query: str) -> tuple[int, Any]:
        """Status and content of the answer for an image."""
        head = (
            f'POST /predict{query} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n'
        )
        self.writer.write(f'{head}Content-Length: {len(image)}\r\n\r\n'.encode() + image)
        await self.writer.drain()
        lines = (await self.reader.readuntil(b'\r\n\r\n')).decode().lower().split('\r\n')
        headers = dict(line.split(': ', 1) for line in lines[1:] if line)
        content = await self.reader.readexactly(int(headers['content-length']))
        return int(lines[0].split()[1]), json.loads(content)

    def close(self) -> None:
        self.writer.close()


async def load(port: int, images: Sequence[bytes], clients: int, requests: int, query: str = '') -> Load:
    """Send requests from several clients at once, after one request for each image alone."""
    first = await Connection.open(port)
    alone = [(await first.predict(image, query))[1] for image in images]
    first.close()
    numbers = iter(range(requests))
    latencies: list[float] = []
    counts = dict(refused=0, wrong=0)

    async def client() -> None:
        connection = await Connection.open(port)
        for number in numbers:
            index = number % len(images)
            start = time.perf_counter()
            status, answer = await connection.predict(images[index], query)
            latencies.append(time.perf_counter() - start)
            counts['refused'] += status == 503
            counts['wrong'] += status not in (200, 503) or (status == 200 and not same(answer, alone[index]))
        connection.close()

    start = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return Load(time.perf_counter() - start, sorted(latencies), **counts)


def same(first: Any, second: Any) -> bool:
    """Whether two answers are equal, scores up to rounding."""
    if isinstance(first, float) and isinstance(second, float):
        return math.isclose(first, second, abs_tol=TOLERANCE)
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(same, first, second))
    return first == second


def start_server(model: str, arguments: Sequence[str]) -> subprocess.Popen:
    """Start a server, and wait until it answers."""
    command = [sys.executable, '-m', 'mmmaskformer', 'serve', model, '--port', str(PORT), *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            urlopen(f'http://127.0.0.1:{PORT}/health', timeout=2).close()
            return process
        except OSError:
            time.sleep(0.2)
    process.kill()
    sys.exit(f'Error: the server did not start: {" ".join(command)}')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument('model', nargs='?', default='lite0_toy', help='as of `mmmaskformer serve`')
    parser.add_argument('--weights', help='as of `mmmaskformer serve`')
    parser.add_argument('--images', nargs='+', type=Path, default=[ROOT / 'docs/photograph.jpg'])
    parser.add_argument('--batches', nargs='+', type=int, default=[1, 4, 8], help='values of --max-batch')
    parser.add_argument('--clients', type=int, default=16)
    parser.add_argument('--requests', type=int, default=200)
    parser.add_argument('--rounds', type=int, default=1, help='servers of each size, taken in turn')
    parser.add_argument('--query', default='?masks=none', help='query parameters of a request')
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    images = [path.read_bytes() for path in args.images]
    weights = ['--weights', args.weights] if args.weights else []
    print('| largest batch | requests/s | median ms | 95th percentile ms | refused | differing answers |')
    print('|-|-|-|-|-|-|')
    rates: dict[int, list[float]] = {size: [] for size in args.batches}
    for size in args.rounds * args.batches:
        process = start_server(args.model, ['--max-batch', str(size), *weights])
        try:
            asyncio.run(load(PORT, images, args.clients, 2 * args.clients, args.query))  # warm up
            found = asyncio.run(load(PORT, images, args.clients, args.requests, args.query))
        finally:
            process.terminate()
            process.wait()
        rates[size].append(len(found.latencies) / found.seconds)
        print(found.row(str(size)), flush=True)
    print(
        '\nMedian requests/s: '
        + ', '.join(f'{size}: {statistics.median(r):.1f}' for size, r in rates.items())
    )


if __name__ == '__main__':
    main(parse_args())
