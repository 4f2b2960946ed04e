"""The documentation says what is there: links, paths, commands, snippets, configs and error messages.

docs/own_data.md is also followed, in test_docs_own_data.py. The other pages need data, GPUs or a network:
their commands are parsed by the tools, their code is compiled and its calls compared with signatures.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import re
import runpy
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from follow_guide import blocks, parts
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from page_checks import check_settings, registries, resolve, sources
from pages import (
    PAGES,
    ROOT,
    anchors,
    command_lines,
    is_config,
    links,
    mentioned_paths,
    messages,
    own_file,
    page_id,
)

from mmmaskformer.apis.command_line import RUNNER_SETTINGS, merge_options
from mmmaskformer.commands.command_line import build_parser

OWN_FILES = {own_file(code) for page in PAGES for code in blocks(page, 'python')} - {None}
OF_OTHERS = {'cd', 'git', 'mim', 'source'}
OF_PYTORCH = (
    'Address already in use',
    'CUDA out of memory',
    'Expected to have finished reduction in the prior iteration',
    'No module named',
    'Weights only load failed',
    'got an unexpected keyword argument',
)
every_page = pytest.mark.parametrize('page', PAGES, ids=page_id)


@every_page
def test_links_lead_somewhere(page):
    for path, anchor in links(page):
        target = (page.parent / path) if path else page
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f'{path}#{anchor}'


@every_page
def test_paths_exist(page):
    if page.name == 'CHANGELOG.md':  # tells of files of its time
        return
    missing = [path for path in mentioned_paths(page) if not any(ROOT.glob(path.rstrip('/')))]
    assert not missing


@every_page
def test_names_exist(page):
    """Names in code spans that begin with the package are modules, what they hold, or registered."""
    registered = {name for registry in registries() for name in registry.module_dict}
    text = re.sub(r'https?://\S+', '', page.read_text())
    for name in set(re.findall(r'`mmmaskformer\.([\w.]+)', text)):
        assert name in registered or resolve(f'mmmaskformer.{name}') is not None, name


@pytest.mark.parametrize('name', ['index.md', *(path.name for path in PAGES if path.parent.name == 'docs')])
def test_every_page_is_in_the_navigation(name):
    assert f': {name}\n' in (ROOT / 'mkdocs.yml').read_text()


@pytest.mark.parametrize('page', [path for path in PAGES if path.parent.name == 'docs'], ids=page_id)
def test_pages_begin_with_a_command(page):
    assert re.match(r'# .+\n\n```bash\n', page.read_text())


@every_page
def test_commands_exist_and_take_their_arguments(page, monkeypatch):
    for line in command_lines(page):
        program, *arguments = line
        assert all((ROOT / word).is_file() for word in line if word.startswith('configs/')), line
        if program == 'make':
            assert re.search(rf'^{arguments[0]}:', (ROOT / 'Makefile').read_text(), re.M), line
        elif program == 'pip':
            check_pip(arguments)
        elif program in ('python', 'bash'):
            check_python(arguments, monkeypatch)
        elif program == 'mmmaskformer':
            assert build_parser().parse_args(arguments).command == arguments[0]
        elif program.startswith('tools/'):
            check_script(program, arguments, monkeypatch)
        else:
            assert program in OF_OTHERS, line


def check_pip(arguments: list[str]) -> None:
    """Files of requirements and extras exist."""
    extras = re.findall(r"^        '(\w+)': ", (ROOT / 'setup.py').read_text(), re.M)
    for word in arguments:
        assert not word.endswith('.txt') or (ROOT / word).is_file(), word
        extra = re.fullmatch(r'(?:\.|mmmaskformer)\[(\w+)\]', word)
        assert extra is None or extra[1] in extras, word


def check_python(arguments: list[str], monkeypatch) -> None:
    """``-m MODULE``, ``-c CODE``, a file of a page, or one of the repository, whose parser reads the rest."""
    script, *rest = arguments
    if script == '-m':
        assert importlib.util.find_spec(rest[0]) is not None, rest[0]
    elif script == '-c':
        compile(rest[0], 'command', 'exec')
    elif script not in OWN_FILES and script != '.gpu_pack/run.sh':  # which benchmarks/pack_gpu.sh writes
        assert (ROOT / script).is_file(), script
        if script.endswith('.py'):
            parse(script, rest, monkeypatch)


def check_script(script: str, arguments: list[str], monkeypatch) -> None:
    """Shell scripts pass what follows their own arguments on to a tool."""
    if script.endswith('.py'):
        return parse(script, arguments, monkeypatch)
    tool = 'tools/train.py' if 'train' in script else 'tools/test.py'
    config, *rest = arguments[2:] if 'slurm' in script else arguments
    rest = rest if 'slurm' in script else [word for word in rest if not word.isdigit()]
    assert (ROOT / script).is_file(), script
    return parse(tool, [config, *rest], monkeypatch)


def parse(tool: str, arguments: list[str], monkeypatch) -> None:
    """Let a tool read arguments; one whose parser cannot be called alone must at least have their names."""
    monkeypatch.syspath_prepend(str((ROOT / tool).parent))
    parse_args = runpy.run_path(str(ROOT / tool)).get('parse_args')
    if arguments == ['--help']:
        return
    if parse_args is None:
        text = (ROOT / tool).read_text()
        assert all(f"'{word}'" in text for word in arguments if word.startswith('--')), (tool, arguments)
        return
    monkeypatch.setattr(sys, 'argv', [tool, *arguments])
    args = parse_args()
    if getattr(args, 'cfg_options', None) and args.config not in OWN_FILES:
        cfg = Config.fromfile(ROOT / args.config)
        merge_options(cfg, args.cfg_options)


@every_page
def test_python_of_the_pages(page, tmp_path):
    init_default_scope('mmseg')
    for number, code in enumerate(blocks(page, 'python')):
        if is_config(code):
            check_config(code, tmp_path / f'block{number}.py')
        else:
            check_calls(code)


def check_calls(code: str) -> None:
    """What is imported exists, and takes the keywords that it is called with."""
    found: dict[str, Any] = {}
    tree = ast.parse(code)
    for statement in tree.body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            exec(ast.unparse(statement), found)
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        function = found.get(ast.unparse(call.func))
        if function is not None and ast.unparse(call.func) != 'Path':
            keywords = {keyword.arg: None for keyword in call.keywords if keyword.arg}
            inspect.signature(function).bind_partial(*call.args, **keywords)


def check_config(code: str, path: Path) -> None:
    """A config, or a part of one that is put upon another, has settings that exist."""
    own_base = re.search(r'^_base_ = ', code, re.M)
    whole = re.search(r'model = dict\(\n    type=', code)
    code = code.replace('mmmaskformer::', f'{ROOT}/configs/').replace(
        "'../_base_/", f"'{ROOT}/configs/_base_/"
    )
    if not own_base and not whole:
        code = f"_base_ = '{ROOT}/configs/maskformer/r50_ade20k.py'\n{code}"
    path.write_text(code)
    config = Config.fromfile(path)
    assert set(ast_names(code)) <= {*config, *RUNNER_SETTINGS, '_base_'}
    if not whole:
        base = base_keys(re.search(rf"'({ROOT}/configs/.+?)'", code)[1])
        loops = re.compile(r'(\w+_(dataloader|cfg|evaluator|wrapper|hooks)|model)$')
        assert {name for name in ast_names(code) if loops.match(name)} <= {*base, 'runner_cfg'}
    for part in parts(dict(config.items())):
        if isinstance(part.get('type'), str):
            check_settings(part)
    if whole and config.get('train_dataloader') is None:
        MODELS.build(config.model)


@cache
def base_keys(path: str) -> set[str]:
    """Names that a config of the repository sets."""
    return set(Config.fromfile(path))


def ast_names(code: str) -> list[str]:
    """Names that are set in a config."""
    targets = [statement.targets[0] for statement in ast.parse(code).body]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def test_whole_config_of_the_page_is_the_real_one(tmp_path):
    """docs/configs.md shows all settings of r50_ade20k.py; helpers of its bases are not settings."""
    (code,) = [code for code in blocks(ROOT / 'docs/configs.md', 'python') if own_file(code) == 'whole.py']
    (tmp_path / 'whole.py').write_text(code)
    shown = Config.fromfile(tmp_path / 'whole.py').to_dict()
    real = Config.fromfile(ROOT / 'configs/maskformer/r50_ade20k.py').to_dict()
    for part in [*parts(real), *parts(shown)]:
        part.pop('_scope_', None)
    helpers = {
        'crop_size',
        'data_root',
        'dataset_type',
        'img_ratios',
        'max_iters',
        'train_pipeline',
        'test_pipeline',
    }
    assert shown == {key: value for key, value in real.items() if key not in helpers}


def test_messages_are_those_of_the_code():
    known = sources('mmmaskformer') + sources('mmengine')
    strange = [text for text in messages(ROOT / 'docs/troubleshooting.md') if text not in known]
    assert set(strange) <= {*OF_PYTORCH, *(text for text in strange if text.startswith(OF_PYTORCH))}
