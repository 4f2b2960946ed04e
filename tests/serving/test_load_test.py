"""benchmarks/load_test.py counts requests, refusals and answers that differ."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip('fastapi')
pytest.importorskip('uvicorn')
pytest.importorskip('python_multipart')

from fake_model import FakeModel
from local_server import running

from mmmaskformer.serving.app import create_app
from mmmaskformer.serving.limits import Limits

sys.path.insert(0, str(Path(__file__).parents[2] / 'benchmarks'))
from load_test import Load, load, same

IMAGES = [cv2.imencode('.png', np.zeros((6, 6 + i, 3), np.uint8))[1].tobytes() for i in range(2)]


class Forgetful(FakeModel):
    """Its answer to a batch of several images is another."""

    def predict(self, jobs):
        results = super().predict(jobs)
        if len(jobs) > 1:
            results[0].semantic[0, 0] = 0
        return results


@pytest.mark.parametrize('model', [FakeModel(), Forgetful()])
def test_requests_are_counted_and_compared(model):
    with running(create_app(model, Limits(max_batch=4, max_wait=0.1))) as server:
        found = asyncio.run(load(server.client.port, IMAGES, clients=4, requests=12, query='?task=semantic'))
    assert len(found.latencies) == 12
    assert found.refused == 0
    assert max(map(len, model.batches)) > 1
    assert (found.wrong > 0) == isinstance(model, Forgetful)


def test_the_row():
    load = Load(2.0, [i / 1000 for i in range(1, 101)], 1, 0)
    assert load.row('8') == '| 8 | 50.0 | 50 | 95 | 1 | 0 |'


def test_scores_are_equal_up_to_rounding():
    assert same({'a': [1, 0.5, None]}, {'a': [1, 0.50001, None]})
    assert not same({'a': [1, 0.5]}, {'a': [1, 0.51]})
    assert not same({'a': [1]}, {'a': [1, 2]})
    assert not same({'a': ['car', 1]}, {'a': ['car', 2]})
