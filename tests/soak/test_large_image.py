"""An image of 24 megapixels in tiles: memory, and segments against those of the whole image."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

CODE = """
import json, resource, sys
import mmmaskformer
import numpy as np
from color_model import CLASSES, ColorModel, draw_scene
from mmmaskformer.functional.panoptic_quality import count_panoptic, mean_quality, qualities
from mmmaskformer.inference import MaskFormerInferencer

image = draw_scene(4000, 6000, 30)
inferencer = MaskFormerInferencer(ColorModel(), device='cpu')
(tiled,) = inferencer(image, tile=1024, overlap=128)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
keys = image[..., 0].astype(np.int32) * 256 + image[..., 1] + 1
whole = [dict(id=key, category_id=(key - 1) % 256) for key in np.unique(keys).tolist()]
found = [vars(segment) for segment in tiled.segments]
sums = count_panoptic(keys, tiled.panoptic, whole, found, len(CLASSES))
print(json.dumps(dict(gibibytes=peak, pq=100 * float(mean_quality(qualities(sums))[0]))))
"""


@pytest.mark.soak
def test_24_megapixels_within_two_gigabytes(run_python, record_figures):
    done = run_python(CODE, path=(Path(__file__).parents[1] / 'inference',))
    figures = json.loads(done.stdout.splitlines()[-1])
    record_figures('large_image', figures)
    assert figures['gibibytes'] < 2
    assert figures['pq'] > 99.5
