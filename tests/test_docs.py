"""The guides: docs/own_data.md is followed word for word on real images.

The other pages need data, GPUs or a network: their commands, configs and links are checked, not run.
"""

from __future__ import annotations

import ast
import json
import os
import re
import runpy
import shlex
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from follow_guide import blocks
from mmengine.config import Config
from mmengine.registry import METRICS, MODELS, init_default_scope

ROOT = Path(__file__).resolve().parents[1]


def copy_camvid(shared: Path, folder: Path) -> None:
    """A few frames of CamVid, whose void is 11; copied, because the guide renumbers them."""
    for split, number in (('train', 6), ('val', 3)):
        for kind in ('img', 'ann'):
            (folder / kind / split).mkdir(parents=True)
            for path in sorted((shared / 'data/camvid' / kind / split).iterdir())[:number]:
                shutil.copy(path, folder / kind / split)


def link_coco126(shared: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    for name in ('images', 'panoptic', 'panoptic.json', 'instances.json'):
        (folder / name).symlink_to(shared / 'data/coco126' / name)


def install(folder: Path) -> None:
    """The package as an editable install has it: with ``.mim``, which a bare checkout has not."""
    package = folder / 'mmmaskformer'
    (package / '.mim').mkdir(parents=True)
    for path in (ROOT / 'mmmaskformer').iterdir():
        if path.name != '.mim':
            (package / path.name).symlink_to(path)
    for name in ('configs', 'tools', 'model-index.yml'):
        (package / '.mim' / name).symlink_to(ROOT / name)


@pytest.fixture(scope='module')
def followed(shared, tmp_path_factory, run_python) -> tuple[Path, str]:
    """The folder in which the own-data guide was followed, and what was printed."""
    folder = tmp_path_factory.mktemp('own_data')
    (folder / 'tools').symlink_to(ROOT / 'tools')
    copy_camvid(shared, folder / 'data/street')
    link_coco126(shared, folder / 'data/photos')
    os.environ['TORCH_HOME'] = str(folder / 'cache')
    guide = ROOT / 'docs/own_data.md'
    install(folder / 'site')
    follow = str(ROOT / 'tests/follow_guide.py')
    done = run_python(None, follow, str(guide), cwd=folder, path=(folder / 'site',), installed=True)
    return folder, f'{done.stdout}\n{done.stderr}'


@pytest.mark.slow
def test_label_maps_of_the_guide(followed):
    folder, log = followed
    labels = [cv2.imread(str(path), -1) for path in (folder / 'data/street/ann').rglob('*.png')]
    assert set(np.unique(labels)) <= {*range(11), 255}
    assert len(list((folder / 'browse/semantic').iterdir())) == 4
    assert len(list((folder / 'predictions/street').glob('*.png'))) == 3
    assert len(list((folder / 'predictions/overlays/overlay').glob('*.png'))) == 3
    assert log.count('mIoU: ') >= 3  # two trainings and a test


@pytest.mark.slow
def test_panoptic_files_of_the_guide(followed):
    folder, log = followed
    val = json.loads((folder / 'data/photos/panoptic_val.json').read_text())
    assert len(val['images']) == len(val['annotations']) == 13
    assert len(list((folder / 'browse/panoptic').iterdir())) == 4
    assert len(list((folder / 'predictions/photos/panopticquality.panoptic').glob('*.png'))) == 13
    for kind in ('overlay', 'panoptic', 'json'):
        assert (folder / 'predictions/one' / kind).is_dir()
    assert ' PQ: ' in log


@pytest.mark.slow
def test_instance_files_of_the_guide(followed):
    folder, log = followed
    assert list((folder / 'predictions/objects').glob('*.segm.json'))
    assert ' AP: ' in log


PAGES = [
    ROOT / 'README.md',
    *sorted((ROOT / 'docs').glob('*.md')),
    *sorted((ROOT / 'configs').glob('*/README.md')),
]
OWN_FILES = ('my_semantic.py', 'my_panoptic.py', 'my_instance.py', 'renumber.py', 'split.py')


def page_id(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def anchors(text: str) -> set[str]:
    """What headings are called in links."""
    titles = re.findall(r'^#+ (.+)$', text, re.M)
    return {re.sub(r'[^\w\- ]', '', title.lower()).replace(' ', '-') for title in titles}


def command_lines(page: Path) -> list[list[str]]:
    """The words of each line of the bash blocks, settings of the environment left out."""
    lines = re.sub(r'\$\(.*?\)', 'CHECKPOINT', '\n'.join(blocks(page, 'bash'))).splitlines()
    words = [shlex.split(line, comments=True) for line in lines]
    return [[word for word in line if not re.fullmatch(r'[A-Z_]+=\S+', word)] for line in words if line]


@pytest.mark.parametrize('page', PAGES, ids=page_id)
def test_links_lead_somewhere(page):
    text = re.sub(r'^```.*?^```$', '', page.read_text(), flags=re.M | re.S)
    for link in re.findall(r'\]\(([^)\s]+)\)', text):
        path, _, anchor = link.partition('#')
        if '://' in link:
            continue
        target = (page.parent / path) if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text()), link


@pytest.mark.parametrize('page', PAGES, ids=page_id)
def test_commands_exist_and_take_their_arguments(page, monkeypatch):
    for line in command_lines(page):
        program, *arguments = line
        if program == 'make':
            assert re.search(rf'^{arguments[0]}:', (ROOT / 'Makefile').read_text(), re.M), line
        tool = arguments.pop(0) if program == 'python' else program
        if tool in OWN_FILES or not tool.startswith(('tools/', 'benchmarks/')):
            continue
        assert (ROOT / tool).is_file(), line
        assert all((ROOT / word).is_file() for word in line if word.startswith('configs/')), line
        if tool.endswith('.py'):
            parse(tool, arguments, monkeypatch)


def parse(tool: str, arguments: list[str], monkeypatch) -> None:
    """Let a tool read arguments; one whose parser cannot be called alone must at least have their names."""
    parse_args = runpy.run_path(str(ROOT / tool)).get('parse_args')
    if parse_args is None:
        text = (ROOT / tool).read_text()
        assert all(f"'{word}'" in text for word in arguments if word.startswith('--')), (tool, arguments)
        return
    monkeypatch.setattr(sys, 'argv', [tool, *arguments])
    parse_args()


@pytest.mark.parametrize('page', PAGES, ids=page_id)
def test_python_of_the_pages_runs_as_far_as_it_can(page, tmp_path):
    for number, code in enumerate(blocks(page, 'python')):
        init_default_scope('mmseg')
        for statement in ast.parse(code).body:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                exec(ast.unparse(statement), {})
        path = tmp_path / f'block{number}.py'
        if re.search('^_base_ = ', code, re.M):
            check_config(code, path)
        elif 'model = dict(\n    type=' in code:
            path.write_text(code)
            MODELS.build(Config.fromfile(path).model)


def check_config(code: str, path: Path) -> None:
    """A config inherits one that exists, changes settings that one has, and has metrics that can be built."""
    path.write_text(code.replace('mmmaskformer::', f'{ROOT}/configs/'))
    config = Config.fromfile(path)
    base = Config.fromfile(f'{ROOT}/configs/' + re.search(r"_base_ = 'mmmaskformer::(.+?)'", code)[1])
    assert set(re.findall(r'^(\w+_(?:dataloader|cfg|evaluator|wrapper|hooks)|model) = ', code, re.M)) <= set(
        base
    )
    evaluators = config.val_evaluator if isinstance(config.val_evaluator, list) else [config.val_evaluator]
    for evaluator in evaluators:
        METRICS.build(evaluator)
