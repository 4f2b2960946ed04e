"""Plugin of pytest: appends the outcome of every test to the file that RECORD_TESTS_IN names.

With pytest-xdist, the process that gathers the outcomes writes them.
"""

from __future__ import annotations

import json
import os
from typing import Any


def pytest_runtest_logreport(report: Any) -> None:
    """Keep what matters: the call, or a setup or teardown that did not pass."""
    if report.when != 'call' and report.outcome == 'passed':
        return
    row = dict(test=report.nodeid, outcome=report.outcome, seconds=report.duration)
    if report.outcome == 'skipped' and isinstance(report.longrepr, tuple):
        row['reason'] = report.longrepr[2]
    elif report.outcome == 'failed':
        crash = getattr(report.longrepr, 'reprcrash', None)
        row['reason'] = (crash.message if crash else str(report.longrepr))[:500]
    _append(row)


def pytest_collectreport(report: Any) -> None:
    """Keep files that cannot be imported."""
    if report.failed:
        _append(dict(test=report.nodeid, outcome='failed', seconds=0.0, reason=str(report.longrepr)[-500:]))


def _append(row: dict) -> None:
    if 'PYTEST_XDIST_WORKER' in os.environ:
        return
    with open(os.environ['RECORD_TESTS_IN'], 'a') as file:
        file.write(json.dumps(row) + '\n')
