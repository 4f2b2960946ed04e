"""The matrix of versions, and the script that tries it: what it installs, reads and writes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).with_name('versions')
sys.path.insert(0, str(FOLDER))

import environment  # noqa: E402
import version_table  # noqa: E402

MATRIX = json.loads((FOLDER / 'matrix.json').read_text())
ROWS = {row['name']: row for row in MATRIX['rows']}
REPORT = """<testsuites><testsuite>
<testcase classname="tests.test_a" name="test_one" time="30.0"/>
<testcase classname="tests.test_a" name="test_two" time="90.0"><skipped message="no data"/></testcase>
<testcase classname="tests.test_a" name="test_three" time="0"><failure message="1 == 2&#10;more"/></testcase>
</testsuite></testsuites>"""


def test_the_matrix_has_what_it_should():
    assert len(ROWS) == len(MATRIX['rows'])
    packages = ' '.join(package for row in ROWS.values() for package in row.get('packages', []))
    assert {row['python'] for row in ROWS.values()} == {'3.10', '3.11', '3.12', '3.13'}
    assert all(f'torch=={version}' in packages for version in ('2.1.', '2.4.', '2.6.', '2.11.'))
    assert ROWS['newest']['packages'] == ['torch', 'torchvision']
    last = [' '.join(row.get('last', [])) for row in ROWS.values()]
    for installed in ('--upgrade setuptools', 'setuptools==64', ' mmcv==2.1.0', 'onedl-mmcv'):
        assert any(installed in command for command in last), installed


def test_the_quick_tests_exist(root):
    for name in MATRIX['quick']:
        path, _, test = name.partition('::')
        assert f'def {test}' in (root / path).read_text(), name


def test_packages_are_replaced_by_their_forks_or_left_out(root):
    own = environment.requirements(root, {})
    assert {'mmcv-lite==2.1.0', 'mmdet==3.3.0', 'mmdet>=3.3.0,<4'} <= set(own)
    forks = environment.requirements(root, ROWS['onedl-mmcv']['replace'])
    assert forks.count('onedl-mmdetection') == forks.count('onedl-mmengine') == 1
    assert not any(line.startswith('mm') for line in forks)
    assert len(forks) == len(set(forks)) > 15


def test_an_interpreter_is_what_it_says(tmp_path):
    here = '.'.join(map(str, sys.version_info[:2]))
    assert environment.interpreter(here, {here: sys.executable}) == sys.executable
    assert environment.interpreter('3.9', {'3.9': sys.executable}) is None
    assert environment.interpreter('3.9', {'3.9': str(tmp_path / 'nothing')}) is None


def test_a_report_is_read(tmp_path):
    (tmp_path / 'report.xml').write_text(REPORT)
    result = environment.read_report(tmp_path / 'report.xml')
    assert result == dict(
        state='failed', passed=1, failed=1, skipped=1, minutes=2.0,
        failures={'test_a.py::test_three': '1 == 2'},
    )  # fmt: skip
    (tmp_path / 'report.xml').write_text('<testsuites/>')
    assert environment.read_report(tmp_path / 'report.xml')['state'] == 'failed'  # nothing ran


def test_results_are_merged_and_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(version_table, 'RESULTS', tmp_path / 'results.json')
    counts = dict(passed=7, failed=0, skipped=1, minutes=1.0, failures={})
    versions = {'python': '3.10.13', 'torch': '2.1.2', 'mmcv-lite': '2.1.0', 'onedl-mmengine': '0.10.12'}
    version_table.keep_result('torch-2.1', dict(state='does not install', why='no wheel'), 'abc')
    version_table.keep_result(
        'python-3.13', dict(state='failed', quick=True, **{**counts, 'failures': {'a': 'b'}}), 'abc'
    )
    passed = dict(state='passed', quick=False, versions=versions, **counts)
    version_table.keep_result('torch-2.1', passed, 'def')
    results = version_table.read_results()
    assert set(results) == {'torch-2.1', 'python-3.13'}
    assert results['torch-2.1']['commit'] == 'def'
    page = version_table.page(MATRIX['rows'], results)
    line = next(line for line in page.splitlines() if 'oldest torch' in line)
    expected = '3.10.13 | 2.1.2 |  |  | OneDL 0.10.12, lite 2.1.0 | all | 7 | 0 | 1 |'
    assert expected in line
    assert page.count(' | not run | ') == len(ROWS) - 2
    assert 'Failed with Python 3.13:\n\n- `a`: `b`\n' in page
    assert 'no wheel' not in page


@pytest.mark.skipif(not version_table.PAGE.exists(), reason='an installed package has no docs')
def test_the_page_shows_the_results():
    text = version_table.PAGE.read_text()
    assert text == version_table.page(MATRIX['rows'], version_table.read_results()), 'run tests/versions/'


def test_reason_of_a_failed_installation():
    printed = '  ValueError: bad licence\n\nnote: not an issue of pip\nhint: above\nend'
    assert environment._reason(printed) == 'ValueError: bad licence'
    assert environment._reason('first\nERROR: No matching distribution') == 'ERROR: No matching distribution'
    assert environment._reason('one\n\ntwo') == 'one / two'
