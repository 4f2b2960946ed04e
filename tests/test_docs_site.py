"""The site's hooks: links to files outside docs/ lead to their copies. `make docs` builds it all."""

from __future__ import annotations

import importlib.util
from types import ModuleType, SimpleNamespace

import pytest
from pages import ROOT

pytest.importorskip('mkdocs')


@pytest.fixture(scope='module')
def hooks() -> ModuleType:
    spec = importlib.util.spec_from_file_location('hooks', ROOT / 'docs/hooks.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ('uri', 'link', 'expected'),
    [
        ('index.md', 'own_data.md#label-maps', 'own_data.md#label-maps'),
        ('index.md', '#train-and-evaluate', '#train-and-evaluate'),
        ('index.md', 'https://arxiv.org/abs/2107.06278', 'https://arxiv.org/abs/2107.06278'),
        ('model_zoo.md', '../configs/toy/README.md#a', 'repository/configs/toy/README.md#a'),
        ('repository/configs/toy/README.md', 'metafile.yml', 'metafile.yml'),
        ('repository/configs/toy/README.md', '../../docs/model_zoo.md', '../../../model_zoo.md'),
        ('repository/benchmarks/README.md', '../docs/compare.md', '../../compare.md'),
    ],
)
def test_links(hooks, uri, link, expected):
    page = SimpleNamespace(file=SimpleNamespace(src_uri=uri))
    assert hooks.on_page_markdown(f'[text]({link})', page, None, None) == f'[text]({expected})'


def test_code_stays_as_it_is(hooks):
    page = SimpleNamespace(file=SimpleNamespace(src_uri='index.md'))
    code = '```python\nvalues[0](../first)\n```\n'
    assert hooks.on_page_markdown(code, page, None, None) == code


def test_packages_have_a_page_of_the_reference(hooks):
    assert {'apis', 'functional', 'models'} <= set(hooks.packages())
