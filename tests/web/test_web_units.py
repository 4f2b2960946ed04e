"""The page's formulas: tests in JavaScript, against numbers of OpenCV and of the Python functions."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess

import pytest
from browsing import WEB, need_node


def test_formulas_in_javascript():
    """In one process: `npm test` starts one for each file."""
    names = sorted(path.name for path in (WEB / 'tests').glob('*.test.js'))
    code = ''.join(f"import './tests/{name}';" for name in names)
    command = [need_node(), '--input-type=module', '-e', code]
    done = subprocess.run(command, cwd=WEB, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    assert int(re.search(r'^\W+pass (\d+)', done.stdout, re.M)[1]) >= 30


def test_fixtures_are_what_the_functions_return():
    path = WEB / 'tests/make_fixtures.py'
    spec = importlib.util.spec_from_file_location('make_fixtures', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made, kept = json.loads(json.dumps(module.fixtures())), json.loads(module.FILE.read_text())
    made_scores, kept_scores = (
        [s.pop('score') for p in f['panoptic'] for s in p['segments']] for f in (made, kept)
    )
    assert made == kept
    assert made_scores == pytest.approx(kept_scores, abs=1e-6)


def test_the_lock_file_names_no_host():
    text = (WEB / 'package-lock.json').read_text()
    assert '"resolved"' not in text
    assert text.count('"integrity"') > 10
