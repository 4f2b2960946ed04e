"""Requests become batches, the queue has an end, and one failure stays alone."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

pytest.importorskip('fastapi')
pytest.importorskip('uvicorn')

from fake_model import FakeModel
from local_server import running

from mmmaskformer.serving.app import create_app
from mmmaskformer.serving.batching import Batcher, ClosedError, QueueFullError
from mmmaskformer.serving.limits import Limits

IMAGE = cv2.imencode('.png', np.zeros((6, 8, 3), np.uint8))[1].tobytes()


def doubled(batches: list[list[int]]):
    def process(items: list[int]) -> list[int]:
        batches.append(items)
        if 13 in items:
            raise RuntimeError('13')
        return [2 * item for item in items]

    return process


def run(steps, process, **options):
    async def main():
        batcher = Batcher(process, **{**dict(max_batch=4, max_wait=0.05, max_queue=10), **options})
        batcher.start()
        try:
            return await asyncio.wait_for(steps(batcher), 20)
        finally:
            await batcher.close()

    return asyncio.run(main())


def test_items_that_come_together_are_processed_together():
    batches: list[list[int]] = []

    async def steps(batcher):
        answers = await asyncio.gather(*(batcher.submit([i]) for i in range(6)))
        return answers, batcher.sizes

    answers, sizes = run(steps, doubled(batches))
    assert answers == [[0], [2], [4], [6], [8], [10]]
    assert batches == [[0, 1, 2, 3], [4, 5]]
    assert sizes == {4: 1, 2: 1}


def test_a_full_batch_does_not_wait():
    async def steps(batcher):
        start = time.monotonic()
        await batcher.submit([1, 2, 3, 4])
        return time.monotonic() - start

    assert run(steps, doubled([]), max_wait=15) < 10


def test_a_failure_stays_alone():
    batches: list[list[int]] = []

    async def steps(batcher):
        return await asyncio.gather(*(batcher.submit([i]) for i in (1, 13, 2)), return_exceptions=True)

    first, failed, last = run(steps, doubled(batches))
    assert (first, last) == ([2], [4])
    assert isinstance(failed, RuntimeError)
    assert batches == [[1, 13, 2], [1], [13], [2]]


def test_what_does_not_fit_is_refused_and_what_waits_is_finished():
    go_on = threading.Event()

    def process(items):
        assert go_on.wait(20)
        return items

    async def steps(batcher):
        first = asyncio.create_task(batcher.submit([0]))
        await asyncio.sleep(0)
        while len(batcher):
            await asyncio.sleep(0.01)
        waiting = asyncio.create_task(batcher.submit([1, 2, 3]))
        await asyncio.sleep(0)
        with pytest.raises(QueueFullError) as full:
            await batcher.submit([4])
        closing = asyncio.create_task(batcher.close())
        await asyncio.sleep(0)
        with pytest.raises(ClosedError):
            await batcher.submit([5])
        go_on.set()
        await closing
        return full.value.retry_after, await first, await waiting

    assert run(steps, process, max_batch=1, max_queue=3) == (3, [0], [1, 2, 3])


def test_nobody_waits_for_what_was_given_up():
    batches: list[list[int]] = []

    async def steps(batcher):
        given_up = asyncio.create_task(batcher.submit([1]))
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
        assert len(batcher) == 0
        return await batcher.submit([2])

    assert run(steps, doubled(batches)) == [4]
    assert batches == [[2]]


@pytest.mark.parametrize(
    ('setting', 'sentence'),
    [
        (dict(max_batch=0), 'max_batch=0 must be 1 or more'),
        (dict(max_wait=-1), 'max_wait=-1 must be 0 or more'),
        (dict(max_queue=3, max_images=4), 'a request could never be served'),
    ],
)
def test_limits_that_make_no_sense(setting, sentence):
    with pytest.raises(ValueError, match=sentence):
        Limits(**setting)


def test_a_busy_server_says_when_to_come_back_and_ends_what_it_began():
    """From 503 to a stop that waits for the requests under way."""
    model = FakeModel()
    model.go_on.clear()
    with ThreadPoolExecutor(8) as pool:
        with running(create_app(model, Limits(max_images=2, max_batch=2, max_queue=2, max_wait=0))) as server:
            first = pool.submit(server.client.post, IMAGE)
            assert model.entered.wait(20)
            others = [pool.submit(server.client.post, IMAGE) for _ in range(2)]
            while server.client.get('/health').json()['waiting'] < 2:
                time.sleep(0.01)
            refused = server.client.post(IMAGE)
            assert refused.status == 503
            assert int(refused.headers['retry-after']) >= 1
            assert (
                refused.error()
                == f'Too many images wait: try again in {refused.headers["retry-after"]} seconds.'
            )
            server.server.should_exit = True
            model.go_on.set()
            answers = [future.result() for future in (first, *others)]
        assert [answer.status for answer in answers] == [200, 200, 200]
    assert [len(batch) for batch in model.batches] == [1, 2]
