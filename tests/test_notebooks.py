"""The notebooks of docs/notebooks: their cells run in order, with less time and fewer images."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import ModuleType

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / 'docs/notebooks').glob('*.ipynb'))
SMALL = (
    (r"DATA, MINUTES, MODEL = 'data/toy', 10, None", "DATA, MINUTES, MODEL = 'data/toy', 0.01, 'r18'"),
    (r'ToyRecipe\(num_training=\d+, num_validation=\d+', 'ToyRecipe(4, 2, 64, 80'),
    (r'^( *)%pip .*$', r'\1pass'),
    (r'^from IPython.display import Image, display$', 'Image, display = open, print'),
)


def cells(notebook: Path, kind: str = 'code') -> list[str]:
    document = json.loads(notebook.read_text())
    assert (document['nbformat'], document['metadata']['kernelspec']['name']) == (4, 'python3')
    return [''.join(cell['source']) for cell in document['cells'] if cell['cell_type'] == kind]


def small(code: str) -> str:
    for pattern, replacement in SMALL:
        code = re.sub(pattern, replacement, code, flags=re.M)
    return code


def run(notebook: Path) -> None:
    """Run all cells in one namespace."""
    names = vars(ModuleType('notebook'))
    for number, code in enumerate(cells(notebook), 1):
        exec(compile(small(code), f'{notebook.name}, cell {number}', 'exec'), names)


@pytest.mark.parametrize('notebook', NOTEBOOKS, ids=lambda path: path.stem)
def test_the_first_cell_installs(notebook):
    first = cells(notebook)[0]
    assert "find_spec('mmmaskformer') is None" in first
    assert '%pip install -q "mmmaskformer[lite,timm]"' in first
    assert all(
        'outputs' not in cell or not cell['outputs'] for cell in json.loads(notebook.read_text())['cells']
    )


@pytest.mark.parametrize('notebook', NOTEBOOKS, ids=lambda path: path.stem)
def test_small_settings_apply(notebook):
    """A test that trained for ten minutes would be noticed late."""
    changed = '\n'.join(map(small, cells(notebook)))
    assert "0.01, 'r18'" in changed
    assert 'num_training' not in changed
    assert '%pip' not in changed


@pytest.mark.soak
@pytest.mark.parametrize('notebook', NOTEBOOKS, ids=lambda path: path.stem)
def test_cells_run(notebook, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(notebook)
