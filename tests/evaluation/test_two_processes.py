"""Metrics in two processes that share the images unevenly, one image being in both."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from drawn_samples import draw_sample, evaluate

from mmmaskformer.evaluation import InstanceAP, PanopticQuality, SemanticPanopticQuality

METRICS = PanopticQuality, SemanticPanopticQuality, InstanceAP
NUM_IMAGES = 6
SHARES = dict(uneven=([0, 2, 3, 4], [1, 5, 0]), one_has_none=([], [5, 3, 1, 0, 2, 4]))
CODE = """
    import sys
    from pathlib import Path

    from forked_ranks import run_ranks
    from test_two_processes import SHARES, results_of

    def work(rank, world):
        return results_of({name: shares[rank] for name, shares in SHARES.items()})

    run_ranks(work, 2, Path(sys.argv[1]))
"""


def results_of(shares: dict[str, list[int]]) -> str:
    """What all metrics say of each share, as JSON; files go to folders of the shares' names."""
    results = {}
    for name, numbers in shares.items():
        samples = [draw_sample(number) for number in numbers]
        results[name] = [
            evaluate(kind(outfile_prefix=f'{name}/{kind.__name__}'), samples) for kind in METRICS
        ]
    return json.dumps(results)


def test_equal_to_one_process(warm_python, tmp_path, monkeypatch):
    here = Path(__file__).parent
    warm_python(CODE, str(tmp_path), path=(here, here.parent / 'distributed'), cwd=tmp_path)
    monkeypatch.chdir(tmp_path)
    (alone,) = json.loads(results_of(dict(alone=list(range(NUM_IMAGES))))).values()
    for rank in range(2):
        together = json.loads(torch.load(tmp_path / f'2_{rank}.pt'))
        assert json.dumps(together) == json.dumps(dict.fromkeys(SHARES, alone))  # equal to the last digit
    for name in SHARES:
        for file in ('PanopticQuality.panoptic.json', 'InstanceAP.segm.json'):
            assert Path(name, file).read_text() == Path('alone', file).read_text()
        images = {path.name for path in Path(name, 'PanopticQuality.panoptic').iterdir()}
        assert images == {f'{number:06d}.png' for number in range(NUM_IMAGES)}
