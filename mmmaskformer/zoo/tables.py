"""The tables of the model zoo, in the README of each folder of configs and in ``docs/model_zoo.md``."""

from __future__ import annotations

import os.path as osp
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .metafiles import DATA_SETS, read_metafile, zoo_folders

BEGIN = '<!-- tables of metafile.yml, written by tools/model_zoo.py -->'
END = '<!-- end of tables -->'
IN_PACKAGE = 'package://'
TITLES = {
    'PQ_sem': 'PQ<sup>St</sup>',
    'mIoU(ms+flip)': 'mIoU, multi-scale',
    'PQ_th': 'Th',
    'PQ_st': 'St',
    'box_AP': 'box AP',
}


def write_tables(root: Path) -> None:
    """Write all tables below ``root`` between their marks."""
    for path, text in _expected(root).items():
        path.write_text(text)


def stale_files(root: Path) -> list[Path]:
    """The files whose tables differ from the metafiles."""
    return [path for path, text in _expected(root).items() if path.read_text() != text]


def _expected(root: Path) -> dict[Path, str]:
    """The expected text of each file with tables."""
    zoo = root / 'docs' / 'model_zoo.md'
    texts = {folder / 'README.md': tables_of(root, folder, '##') for folder in zoo_folders(root)}
    parts = (
        f'## [{folder.name}]({osp.relpath(folder / "README.md", zoo.parent)})\n\n'
        + tables_of(root, zoo.parent, '###', folder)
        for folder in zoo_folders(root)
    )
    texts[zoo] = '\n'.join(parts)
    return {path: _between_marks(path, text) for path, text in texts.items()}


def _between_marks(path: Path, text: str) -> str:
    """The text of a file with new tables.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It does not have the two marks.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f'{path} does not exist: write a description of the folder, with the lines {BEGIN} and {END}'
        )
    before, begin, rest = path.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f'{path} has no marks for its tables: add the lines {BEGIN} and {END}.')
    return f'{before}{begin}\n\n{text}\n{end}{after}'


def tables_of(root: Path, here: Path, level: str, folder: Path | None = None) -> str:
    """The tables of a folder's models, one for each data set.

    Args:
        root: Folder with ``configs``, which the paths in metafiles start from.
        here: Folder of the file that the tables are for, which links start from.
        level: Marks of the headings.
        folder: Folder of configs, ``here`` by default.
    """
    models = read_metafile(folder or here).get('Models', [])
    parts = []
    for data in DATA_SETS.values():
        chosen = [model for model in models if model['Metadata']['Training Data'] == data]
        if chosen:
            parts.append(f'{level} {data}\n\n{_table(chosen, osp.relpath(root, here))}')
    return '\n'.join(parts)


def _table(models: list[dict[str, Any]], up: str) -> str:
    metrics = list(dict.fromkeys(name for model in models for name in _metrics(model)))
    weights = any('Weights' in model for model in models)
    head = ['config', 'backbone', 'input', 'batch', 'iterations', 'parameters', 'multiply-adds']
    head += [TITLES.get(name, name) for name in metrics] + ['weights'] * weights
    rows = []
    for model in sorted(models, key=lambda model: (model['Metadata']['Parameters'], model['Name'])):
        about = model['Metadata']
        short = ''.join(f' (`{name}`)' for name in model.get('Alias', []))
        row = [f'[{model["Name"]}]({osp.normpath(osp.join(up, model["Config"]))}){short}']
        row += [about['Architecture'][0], about['Input Size'], about['Batch Size'], about['Iterations']]
        row += [f'{about["Parameters"] / 1e6:.1f}M', f'{about["FLOPs"] / 1e9:.1f}G']
        row += [str(_metrics(model).get(name, '')) for name in metrics]
        row += [_link(model['Weights'], up) if 'Weights' in model else ''] * weights
        rows.append(row)
    return _line(head) + f'|{"-|" * len(head)}\n' + ''.join(_line(row) for row in rows)


def _link(address: str, up: str) -> str:
    if address.startswith(IN_PACKAGE):  # a file of this repository
        return f'[in the package]({osp.normpath(osp.join(up, address.removeprefix(IN_PACKAGE)))})'
    return f'[{address.rpartition(".")[2]}]({address})'


def _line(cells: Iterable[object]) -> str:
    return f'| {" | ".join(str(cell) for cell in cells)} |\n'


def _metrics(model: dict[str, Any]) -> dict[str, float]:
    return {name: value for result in model.get('Results', []) for name, value in result['Metrics'].items()}
