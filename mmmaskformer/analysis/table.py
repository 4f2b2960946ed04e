"""Models in one table: their costs and scores, as Markdown and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .records import TITLES


@dataclass(frozen=True)
class Row:
    """A model; what is not known is None or not there.

    Attributes:
        label: Its name.
        parameters: Numbers in its parameters.
        multiply_adds: Of the prediction of one image.
        milliseconds: Time of the prediction of one image.
        memory: MiB that this needs beyond the model.
        training_seconds: Time of one training iteration, as the run has logged it.
        scores: Mean in percent by the metric's name, and its standard deviation if there are several runs.
        source: The data that scores are of: ``'test'`` or ``'validation'``.
    """

    label: str
    parameters: int | None = None
    multiply_adds: int | None = None
    milliseconds: float | None = None
    memory: float | None = None
    training_seconds: float | None = None
    scores: Mapping[str, tuple[float, float | None]] = field(default_factory=dict)
    source: str | None = None


COST_COLUMNS: dict[str, Callable[[Row], str | None]] = {
    'parameters': lambda row: _in_units(row.parameters),
    'FLOPs': lambda row: _in_units(row.multiply_adds),
    'ms per image': lambda row: _rounded(row.milliseconds, 1),
    'memory (MiB)': lambda row: _rounded(row.memory, 0),
    'training (s per iteration)': lambda row: _rounded(row.training_seconds, 3),
}


def markdown_table(rows: Sequence[Row]) -> str:
    """The table; columns of which no model has anything are left out."""
    columns = {title: [cell(row) for row in rows] for title, cell in COST_COLUMNS.items()}
    for name, title in TITLES.items():
        columns[title] = [_score(row.scores.get(name)) for row in rows]
    if len({row.source for row in rows if row.source}) > 1:
        columns['scores of'] = [row.source for row in rows]
    shown = {title: cells for title, cells in columns.items() if any(cells)}
    lines = [['model', *shown], ['-'] * (1 + len(shown))]
    lines += [[row.label, *(cells[i] or '' for cells in shown.values())] for i, row in enumerate(rows)]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines) + '\n'


def write_table(rows: Sequence[Row], folder: Path, name: str, notes: Sequence[str], **about: Any) -> str:
    """Write ``<name>.md`` and ``<name>.json`` into a folder, and return the Markdown.

    Args:
        rows: The models.
        folder: Made if it is not there.
        name: Of the files, without suffix.
        notes: Sentences below the table.
        **about: What else the JSON says.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = f'{markdown_table(rows)}\n{" ".join(notes)}\n'
    (folder / f'{name}.md').write_text(text)
    content = dict(**about, notes=list(notes), models=[asdict(row) for row in rows])
    (folder / f'{name}.json').write_text(json.dumps(content, indent=1) + '\n')
    return text


def insert_text(path: Path, name: str, text: str) -> None:
    """Put a text between the lines ``<!-- <name>: begin -->`` and ``<!-- <name>: end -->`` of a file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It lacks the lines.
    """
    if not path.is_file():
        raise FileNotFoundError(f'{path} does not exist: name a file that has a place for the table')
    before, begin, rest = path.read_text().partition(f'<!-- {name}: begin -->\n')
    _, end, after = rest.partition(f'<!-- {name}: end -->')
    if not begin or not end:
        raise ValueError(f'{path} has no place for it: add <!-- {name}: begin --> and <!-- {name}: end -->')
    path.write_text(f'{before}{begin}{text.strip()}\n{end}{after}')


def _in_units(number: int | None) -> str | None:
    """``41.3M`` or ``53.0G``: three digits and more."""
    if number is None:
        return None
    for unit, size in (('G', 10**9), ('M', 10**6), ('k', 10**3)):
        if number >= size:
            return f'{number / size:.{1 if number >= 10 * size else 2}f}{unit}'
    return str(number)


def _rounded(number: float | None, digits: int) -> str | None:
    return None if number is None else f'{number:.{digits}f}'


def _score(score: tuple[float, float | None] | None) -> str | None:
    if score is None:
        return None
    mean, deviation = score
    return f'{mean:.1f}' if deviation is None else f'{mean:.1f} ± {deviation:.1f}'
