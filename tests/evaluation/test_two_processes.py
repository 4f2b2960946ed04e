"""Metrics in two processes that share the images unevenly, one image being in both."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from drawn_samples import draw_sample, evaluate

from mmmaskformer.evaluation import InstanceAP, PanopticQuality, SemanticPanopticQuality

METRICS = PanopticQuality, SemanticPanopticQuality, InstanceAP
NUM_IMAGES = 6
SHARES = dict(uneven=([0, 2, 3, 4], [1, 5, 0]), one_has_none=([], [5, 3, 1, 0, 2, 4]))
CODE = """
    import sys
    from torch import distributed

    rank, store = int(sys.argv[1]), sys.argv[2]
    distributed.init_process_group('gloo', init_method=f'file://{store}', rank=rank, world_size=2)

    from mmmaskformer.apis.command_line import leave_processes
    from test_two_processes import SHARES, results_of

    print(results_of({name: shares[rank] for name, shares in SHARES.items()}), file=sys.stderr)
    leave_processes()
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


def test_equal_to_one_process(run_python, tmp_path, monkeypatch):
    def run(rank):
        arguments = str(rank), str(tmp_path / 'store')
        return run_python(CODE, *arguments, path=(Path(__file__).parent,), cwd=tmp_path)

    with ThreadPoolExecutor() as pool:
        done = list(pool.map(run, range(2)))
    monkeypatch.chdir(tmp_path)
    (alone,) = json.loads(results_of(dict(alone=list(range(NUM_IMAGES))))).values()
    for process in done:
        together = json.loads(process.stderr.splitlines()[-1])
        assert json.dumps(together) == json.dumps(dict.fromkeys(SHARES, alone))  # equal to the last digit
    for name in SHARES:
        for file in ('PanopticQuality.panoptic.json', 'InstanceAP.segm.json'):
            assert Path(name, file).read_text() == Path('alone', file).read_text()
        images = {path.name for path in Path(name, 'PanopticQuality.panoptic').iterdir()}
        assert images == {f'{number:06d}.png' for number in range(NUM_IMAGES)}
