"""What was measured, as JSON and Markdown."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from . import PARTS

STEP_PARTS = ('preprocessing', 'backbone', 'decoders', 'matching', 'losses', 'backward', 'optimizer', 'rest')


def write(results: dict, out: Path) -> None:
    """Write gpu.json and gpu.md; a kill in between leaves the files before them whole."""
    for name, text in (('gpu.json', json.dumps(results, indent=1)), ('gpu.md', markdown(results))):
        unfinished = out / f'{name}.new'
        unfinished.write_text(text + '\n')
        os.replace(unfinished, out / name)


def markdown(results: dict) -> str:
    """All parts, each with its status; what was not measured stays empty."""
    dry = ', dry run: the figures mean nothing' if results['dry_run'] else ''
    sections = [f'# GPU run\n\n{results["date"]}, device {results["device"]}{dry}.']
    for part in PARTS:
        if (result := results['parts'].get(part.name)) is None:
            continue
        status = result['status']
        if 'seconds' in result:
            status += f', {result["seconds"]:.0f} of {result["limit"]:.0f} s'
        body = SECTIONS[part.name](result['rows'])
        failures = [
            f'- {row["failure"]}' for row in result['rows'] if 'failure' in row and row.keys() == {'failure'}
        ]
        sections.append('\n\n'.join([f'## {part.about} ({status})', *failures, *([body] if body else [])]))
    return '\n\n'.join(sections)


def _environment(rows: Sequence[dict]) -> str:
    merged = {key: value for row in rows for key, value in row.items()}
    return _table(('what', 'found'), ((key, _flat(value)) for key, value in merged.items()))


def _device_tests(rows: Sequence[dict]) -> str:
    counts = Counter(row['outcome'] for row in rows if 'outcome' in row)
    summary = ', '.join(f'{number} {outcome}' for outcome, number in counts.items())
    noted = [row for row in rows if row.get('outcome') in ('failed', 'skipped', 'not there')]
    lines = [(row['test'], row['outcome'], row.get('reason', '')) for row in noted]
    return '\n\n'.join(filter(None, [summary, _table(('test', 'outcome', 'reason'), lines)]))


def _speed(rows: Sequence[dict]) -> str:
    rows = [row for row in rows if 'case' in row]
    head = (
        'case',
        'model',
        'work',
        'precision',
        'images/s',
        'ms',
        'first call, s',
        'peak, MiB',
        'failure',
        'note',
    )
    lines = [
        (
            *(row.get(key, '') for key in ('case', 'name', 'work', 'precision')),
            _number(row.get('images_per_second')),
            _milliseconds(row.get('seconds')),
            _number(row.get('first_seconds')),
            _number(row.get('peak_mib'), 0),
            row.get('failure', ''),
            row.get('note', ''),
        )
        for row in rows
    ]
    parts = [row for row in rows if 'parts' in row]
    step = [
        (
            *(row[key] for key in ('case', 'name', 'precision')),
            *(_milliseconds(row['parts'].get(part)) for part in STEP_PARTS),
        )
        for row in parts
    ]
    step_head = ('case', 'model', 'precision', *(f'{part}, ms' for part in STEP_PARTS))
    inside = ['Inside the training step:', _table(step_head, step)] if step else []
    return '\n\n'.join([_table(head, lines), *inside])


def _batch(rows: Sequence[dict]) -> str:
    head = ('model', 'precision', 'card', 'MiB held', 'MiB per image', 'predicted', 'largest', 'remark')
    lines = [
        (
            *(row[key] for key in ('name', 'precision')),
            row.get('card', ''),
            _number(row.get('fixed_mib'), 0),
            _number(row.get('mib_per_image'), 0),
            row.get('predicted', ''),
            '' if row.get('largest') is None else row['largest'],
            row.get('failure') or row.get('remark', ''),
        )
        for row in rows
        if 'name' in row
    ]
    return _table(head, lines)


def _floor(rows: Sequence[dict]) -> str:
    rates = {row['rate']: row for row in rows if 'rate' in row}
    measured = [(name, _rate(row)) for name, row in rates.items()]
    head = ('case', 'work', 'TFLOP', 'GB', 'bf16 floor, ms', 'TF32 floor, ms', 'copy floor, ms', 'failure')
    cases = [
        (
            row['case'],
            row.get('work', ''),
            *(
                _number(row[key] / unit, 3) if key in row else ''
                for key, unit in (('flops', 1e12), ('bytes', 1e9))
            ),
            *(_floor_time(row, 'flops', rates.get(rate), 'flops_per_second') for rate in ('bf16', 'TF32')),
            _floor_time(row, 'bytes', rates.get('copy'), 'bytes_per_second'),
            row.get('failure', ''),
        )
        for row in rows
        if 'case' in row
    ]
    return '\n\n'.join(filter(None, [_table(('rate', 'measured'), measured), _table(head, cases)]))


def _mask_losses(rows: Sequence[dict]) -> str:
    head = ('case', 'form', 'ms', 'peak, MiB', 'largest difference', 'failure')
    lines = [
        (
            row['case'],
            row['form'],
            _milliseconds(row.get('seconds')),
            _number(row.get('peak_mib')),
            row.get('difference', ''),
            row.get('failure', ''),
        )
        for row in rows
    ]
    return _table(head, lines)


def _rate(row: dict) -> str:
    if 'flops_per_second' in row:
        return f'{row["flops_per_second"] / 1e12:.2f} TFLOP/s'
    return f'{row["bytes_per_second"] / 1e9:.1f} GB/s' if 'bytes_per_second' in row else _flat(row['clocks'])


def _floor_time(row: dict, key: str, rate: dict | None, rate_key: str) -> str:
    return _milliseconds(row[key] / rate[rate_key]) if key in row and rate else ''


def _training(rows: Sequence[dict]) -> str:
    head = ('iteration', 'seconds', 'loss', 'val mIoU')
    lines = [
        (
            row['iteration'],
            _number(row['seconds'], 0),
            _number(row.get('loss'), 2),
            _number(row.get('mIoU'), 2),
        )
        for row in rows
        if 'iteration' in row
    ]
    return _table(head, lines)


SECTIONS = {
    'environment': _environment,
    'device_tests': _device_tests,
    'speed': _speed,
    'compiled_speed': _speed,
    'batch': _batch,
    'floor': _floor,
    'mask_losses': _mask_losses,
    'training': _training,
}


def _table(head: Sequence[str], lines: Iterable[Sequence]) -> str:
    """A Markdown table; nothing without lines."""
    lines = list(lines)
    rows = [head, ['-'] * len(head), *lines] if lines else []
    return '\n'.join('| ' + ' | '.join(_cell(value) for value in row) + ' |' for row in rows)


def _cell(value: object) -> str:
    return str(value).replace('|', '\\|').replace('\n', ' ')


def _flat(value: object) -> str:
    if isinstance(value, dict):
        return ', '.join(f'{key} {item}' for key, item in value.items())
    return '; '.join(map(str, value)) if isinstance(value, list) else str(value)


def _number(value: float | None, digits: int = 1) -> str:
    return '' if value is None else f'{value:.{digits}f}'


def _milliseconds(seconds: float | None) -> str:
    return '' if seconds is None else f'{1000 * seconds:.1f}'
