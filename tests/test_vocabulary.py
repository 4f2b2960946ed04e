"""The field's words, in code, comments, messages and docs: CONTRIBUTING.md has the list."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ('mmmaskformer', 'configs', 'tools', 'tests', 'benchmarks', 'docs')
INSTEAD = {
    r'pictures?': 'image (figure or overlay for what people look at)',
    r'colou' + r'r': 'color',
    r'(?<!ground[ _\n-])(?<![a-z])truths?(?![a-z])': 'ground truth, annotation or target',
    r'(?<![a-z])mend(s|ed|ing)?(?![a-z])': 'fix',
    r'(?<!there )is no (image|device|file)(?![a-z])': 'is not an image ...',
}
PRONOUNS = {'some', 'each', 'others', 'theirs', 'beyond'}


def files() -> list[Path]:
    inside = [
        path for name in FOLDERS for path in (ROOT / name).rglob('*') if path.suffix in ('.py', '.md', '.sh')
    ]
    inside = [path for path in inside if '.mim' not in path.parts and path != Path(__file__)]
    root = [path for path in ROOT.glob('*.md') if path.name != 'CONTRIBUTING.md']  # it lists the words
    return [*inside, *root, ROOT / 'Makefile']


def old_words(text: str) -> list[str]:
    """Line, word and what to write instead."""
    lowered = re.sub(r'\n\s*#? *', '\n', text.lower())  # a phrase may be broken by a line's end
    return [
        f'{lowered[: found.start()].count(chr(10)) + 1}: {found[0]!r}, write {instead}'
        for word, instead in INSTEAD.items()
        for found in re.finditer(word, lowered)
    ]


def test_old_words_are_gone():
    found = [f'{path.relative_to(ROOT)}:{word}' for path in files() for word in old_words(path.read_text())]
    assert not found, '\n'.join(found)


@pytest.mark.parametrize(
    'text',
    [
        'a picture',
        'num_pictures = 1',
        'colou' + 'red',
        'the truth',
        'truth_file',
        'it mends',
        'it is no image',
    ],
)
def test_old_words_are_found(text):
    assert len(old_words(text)) == 1


@pytest.mark.parametrize(
    'text', ['ground truth', 'ground\n    # truth', 'ground_truths', 'recommended', 'is not an image']
)
def test_other_words_are_not(text):
    assert old_words(text) == []


def pronouns(source: str) -> list[str]:
    """Variables, arguments and functions that are called by a pronoun, not by what they hold."""
    nodes = list(ast.walk(ast.parse(source)))
    names = [node.id for node in nodes if isinstance(node, ast.Name)]
    names += [node.arg for node in nodes if isinstance(node, ast.arg)]
    names += [node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return sorted(PRONOUNS & set(names))


@pytest.mark.parametrize('folder', ['mmmaskformer', 'tools'])
def test_names_are_nouns(folder):
    paths = [path for path in (ROOT / folder).rglob('*.py') if '.mim' not in path.parts]
    assert not [(path.name, names) for path in paths if (names := pronouns(path.read_text()))]


def test_pronouns_are_found():
    source = 'def theirs(beyond):\n    each, x = 1, 2\n    return [others for others in x]'
    assert pronouns(source) == ['beyond', 'each', 'others', 'theirs']
