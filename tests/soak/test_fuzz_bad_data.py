"""Thousands of damaged inputs: each gives an error that names its file, or the target that its files say.

`FUZZ_INPUTS` sets how many; the test without the mark runs a few hundred of them.
"""

from __future__ import annotations

import faulthandler
import os
import time
import warnings
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from damaged_batches import bad_batches, evaluated, predicted_from, skipped
from damaged_coco import damaged_instances, damaged_panoptic
from damaged_inputs import damaged_images, damaged_label_maps

SHARES = {
    damaged_images: 2500,
    damaged_label_maps: 2500,
    damaged_panoptic: 3000,
    damaged_instances: 2000,
    predicted_from: 800,
    bad_batches: 400,
    evaluated: 400,
    skipped: 400,
}
TOTAL = sum(SHARES.values())
LIMIT = 5.0
"""Seconds of computing that an input may take; an image is read in one or two milliseconds."""
HANGING = 300
"""Seconds after which an input hangs, however busy the machine is: then the process ends with a traceback."""


def fuzz(folder: Path, total: int, seed: int) -> tuple[Counter, float]:
    """Counts of ``(kind of input, outcome)``, and the computing seconds of the slowest input."""
    counts: Counter = Counter()
    slowest = 0.0
    for family, share in SHARES.items():
        root = folder / family.__name__
        root.mkdir()
        cases = family(root, Random(seed))
        for number in range(max(1, share * total // TOTAL)):
            start = time.process_time()
            faulthandler.dump_traceback_later(HANGING, exit=True)  # inside a library, too
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter('ignore')
                    kind, outcome = next(cases)
            except Exception as error:
                raise AssertionError(f'{family.__name__}, seed {seed}, input {number}: {error!r}') from error
            finally:
                faulthandler.cancel_dump_traceback_later()
            slowest = max(slowest, time.process_time() - start)
            counts[kind, outcome] += 1
    return counts, slowest


def test_a_few_hundred_damaged_inputs(tmp_path):
    counts, slowest = fuzz(tmp_path, total=480, seed=1)
    outcomes = Counter(outcome for _, outcome in counts.elements())
    assert {'error', 'unharmed', 'proven', 'skipped'} <= set(outcomes)  # none of them is empty talk
    assert slowest < LIMIT


@pytest.mark.soak
def test_damaged_inputs(tmp_path, record_figures):
    start = time.process_time()
    counts, slowest = fuzz(tmp_path, int(os.environ.get('FUZZ_INPUTS', TOTAL)), seed=0)
    kinds: dict[str, Counter] = {}
    for (kind, outcome), number in counts.items():
        kinds.setdefault(kind, Counter())[outcome] += number
    record_figures(
        'bad_data',
        dict(
            inputs=counts.total(),
            outcomes=Counter(outcome for _, outcome in counts.elements()),
            slowest_seconds=round(slowest, 3),
            cpu_seconds=round(time.process_time() - start, 1),
            kinds=dict(sorted(kinds.items())),
        ),
    )
    assert slowest < LIMIT
