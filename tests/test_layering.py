"""A file imports only from layers above its own in this list, or siblings in its own layer."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = 'mmmaskformer'
LAYERS = (
    'version',
    'registry',
    'structures',
    'compat',
    'security_notes',
    'doctor',
    'utils',
    'file_names',
    'outlines',
    'runtime',
    'functional',
    'checkpoints',
    'models.layers',
    'models.semantic_branch',
    'models.backbones',
    'models.pixel_decoders',
    'models.transformer_decoder',
    'models.masked_attention_decoder',
    'models.losses',
    'models.assigners',
    'models.auxiliary_classifier',
    'models.criterion',
    'models.criterion_mask2former',
    'models.criterion_detr',
    'models.criterion_max_deeplab',
    'models.criterion_dual_path',
    'models.decode_heads',
    'models.data_preprocessor',
    'models.compilation',
    'models.memory_format',
    'models.image_results',
    'models.segmentor',
    'models.test_time_augmentation',
    'models',
    'datasets',
    'engine',
    'evaluation',
    'visualization',
    'inference',
    'toy_scenes',
    'apis',
    'analysis',
    'zoo',
    'own_data',
    'hub',
    'serving',
    'export',
    'commands',
    '__main__',
)
OPENMMLAB = {'mmcv', 'mmdet', 'mmengine', 'mmpretrain', 'mmseg'}
SOURCE = Path(__file__).resolve().parent.parent / PACKAGE
FILES = [path for path in sorted(SOURCE.rglob('*.py')) if '.mim' not in path.parts]


def module_name(path: Path) -> str:
    """``models.criterion`` of its file; a package's ``__init__.py`` has the name of the package."""
    parts = path.relative_to(SOURCE).with_suffix('').parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


def layer_of(module: str) -> str | None:
    """The innermost layer that a module belongs to."""
    inside = [name for name in LAYERS if module == name or module.startswith(f'{name}.')]
    return max(inside, key=len, default=None)


def imports(tree: ast.AST, module: str, is_package: bool) -> list[str]:
    """Full names of everything imported anywhere in a file, ``from x import y`` as ``x.y``."""
    here = [PACKAGE, *filter(None, module.split('.'))]
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            up = node.level - is_package
            base = here[: len(here) - up] if node.level else []
            base = [*base, *([node.module] if node.module else [])]
            found += ['.'.join([*base, alias.name]) for alias in node.names]
    return found


def breaches(source: str, module: str, is_package: bool = False) -> list[str]:
    """What a file imports from layers below its own."""
    rank = LAYERS.index(layer_of(module))
    ours = [name for name in imports(ast.parse(source), module, is_package) if name.startswith(f'{PACKAGE}.')]
    names = [name.removeprefix(f'{PACKAGE}.') for name in ours]
    return [name for name in names if (target := layer_of(name)) and LAYERS.index(target) > rank]


@pytest.mark.parametrize('path', FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_only_from_above(path):
    module = module_name(path)
    if not module:
        return  # the package's own __init__ imports every layer
    assert layer_of(module), f'{path} does not belong to a layer: add it to LAYERS'
    assert not breaches(path.read_text(), module, path.name == '__init__.py')


@pytest.mark.parametrize('path', sorted((SOURCE / 'functional').rglob('*.py')), ids=lambda path: path.name)
def test_formulas_need_no_openmmlab(path):
    names = imports(ast.parse(path.read_text()), module_name(path), path.name == '__init__.py')
    assert not [name for name in names if name.split('.')[0] in OPENMMLAB]


@pytest.mark.parametrize(
    ('module', 'source', 'expected'),
    [
        ('models.criterion', 'from ..datasets import CamVidDataset', ['datasets.CamVidDataset']),
        ('models.criterion', 'from .. import datasets', ['datasets']),
        ('models.criterion', 'from mmmaskformer.apis.train import train_model', ['apis.train.train_model']),
        ('models.layers.some_layer', 'def f():\n    import mmmaskformer.models.losses', ['models.losses']),
        ('functional.matching', 'from mmmaskformer.models import MaskFormer', ['models.MaskFormer']),
        ('models.criterion', 'from .losses import MaskDiceLoss\nfrom ..functional.matching import match', []),
        (
            'models.layers.some_layer',
            'from .transformer_layer import SinePositionEncoding\nimport torch',
            [],
        ),
        ('apis.train', 'from mmmaskformer.models import MaskFormer\nfrom ..datasets import toy', []),
    ],
)
def test_the_check_can_fail(module, source, expected):
    assert breaches(source, module) == expected


def test_a_package_counts_its_dots_from_itself():
    assert breaches('from .segmentor import MaskFormer', 'models', is_package=True) == []
    assert breaches('from ..datasets import toy', 'models', is_package=True) == ['datasets.toy']


def runtime_imports(source: str, module: str, is_package: bool, modules: set[str]) -> set[str]:
    """The modules of this package that a file imports, those for annotations alone left out."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == 'TYPE_CHECKING':
            node.body = [ast.Pass()]
    names = imports(tree, module, is_package)
    targets = {name.removeprefix(f'{PACKAGE}.') for name in names if name.startswith(f'{PACKAGE}.')}
    parents = {name if name in modules else name.rpartition('.')[0] for name in targets}
    return parents & modules - {module}


def test_imports_have_no_cycles():
    """`CycleError` names the modules of a cycle."""
    files = {module_name(path): path for path in FILES if module_name(path)}
    graph = {
        module: runtime_imports(path.read_text(), module, path.name == '__init__.py', {*files})
        for module, path in files.items()
    }
    TopologicalSorter(graph).prepare()


def test_imports_inside_functions_count_for_cycles():
    source = (
        'if TYPE_CHECKING:\n    from . import c\ndef f():\n    from .b import x\n    from ..apis import b'
    )
    assert runtime_imports(source, 'apis.a', False, {'apis', 'apis.a', 'apis.b', 'apis.c'}) == {'apis.b'}
