"""The results of all rows so far, and the page that shows them."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
RESULTS = HERE / 'results.json'
PAGE = HERE.parents[1] / 'docs/versions.md'
TITLE = """# Versions that were tried

```bash
python tests/versions/try_versions.py
```

wrote this page. It makes an environment for each row of `tests/versions/matrix.json`, runs the tests there,
and puts the result in place of the row's last one. With `--quick` it runs the tests that touch other packages
most (imports, doctor, configs, parity with the official results, training steps, OpenMMLab's own tools),
without it all tests. Interpreters are found as `python3.13` on the path, or given:
`--python 3.13=/opt/python3.13/bin/python`. *Failures twice*: what failed at first was run again on a later
commit (`--again`), the rest was not. All rows are of version 0.1.0.

"""
COLUMNS = ('', 'Python', 'torch', 'numpy', 'setuptools', 'mmengine, mmcv, mmseg, mmdet, mmpretrain')
COLUMNS += ('Tests', 'Passed', 'Failed', 'Skipped', 'Date')
SHOWN = 8  # failures of a row, on the page and in print
OPENMMLAB = ('mmengine', 'mmcv', 'mmsegmentation', 'mmdet', 'mmpretrain')
NAMES = {'mmcv': ('mmcv-lite', 'mmcv', 'onedl-mmcv'), 'mmdet': ('mmdet', 'onedl-mmdetection')}


def read_results() -> dict[str, dict]:
    """Name of a row -> its last result."""
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def keep_result(name: str, result: dict, commit: str) -> None:
    """Put the result of a commit in place of the row's last one; other rows stay."""
    result = {**result, 'date': datetime.date.today().isoformat(), 'commit': commit}
    RESULTS.write_text(json.dumps({**read_results(), name: result}, indent=1, sort_keys=True) + '\n')


def write_page(rows: list[dict], results: dict[str, dict]) -> None:
    """Write docs/versions.md."""
    PAGE.write_text(page(rows, results))


def page(rows: list[dict], results: dict[str, dict]) -> str:
    """The text: a table, and what failed."""
    lines = ['| ' + ' | '.join(COLUMNS) + ' |', '|' + '-|' * len(COLUMNS)]
    lines += [table_line(row, results.get(row['name'])) for row in rows]
    notes = [note for row in rows if (note := failures(row, results.get(row['name'])))]
    return TITLE + '\n'.join(lines) + '\n' + ''.join(f'\n{note}\n' for note in notes)


def table_line(row: dict, result: dict | None) -> str:
    """One row of the table."""
    result = result or dict(state='not run')
    versions = {'python': row['python'], **result.get('versions', {})}
    cells = [row['what'], *(versions.get(name, '') for name in ('python', 'torch', 'numpy', 'setuptools'))]
    cells.append(', '.join(filter(None, (version_of(name, versions) for name in OPENMMLAB))))
    ran = result['state'] in ('passed', 'failed')
    tests = ('quick' if result['quick'] else 'all') if ran else result['state']
    cells.append(f'{tests}, failures twice' if result.get('repeated') else tests)
    cells += [str(result[key]) if ran else '' for key in ('passed', 'failed', 'skipped')]
    return '| ' + ' | '.join([*cells, result.get('date', '')]) + ' |'


def version_of(name: str, versions: dict[str, str]) -> str:
    """Version of one of OpenMMLab's packages, with a word where it is another distribution of it."""
    for distribution in NAMES.get(name, (name, f'onedl-{name}')):
        if distribution in versions:
            kind = 'OneDL ' if distribution.startswith('onedl') else 'lite ' if 'lite' in distribution else ''
            return kind + versions[distribution]
    return ''


def failures(row: dict, result: dict | None) -> str:
    """What went wrong in a row, or nothing."""
    if not result or result['state'] == 'passed':
        return ''
    if 'failures' in result:
        lines = [f'- `{name}`: `{reason}`' for name, reason in list(result['failures'].items())[:SHOWN]]
        if len(result['failures']) > SHOWN:
            lines.append(f'- and {len(result["failures"]) - SHOWN} more, see tests/versions/results.json')
        return '\n'.join([f'Failed with {row["what"]}:', '', *lines])
    return f'{row["what"][0].upper()}{row["what"][1:]}: {result["state"]}. `{result["why"]}`'
