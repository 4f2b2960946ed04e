"""The pages of the documentation, and what is in them; tests/test_docs.py checks it."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

from follow_guide import blocks

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    *sorted(ROOT.glob('*.md')),
    *sorted((ROOT / 'docs').glob('*.md')),
    *sorted((ROOT / 'configs').glob('*/README.md')),
    ROOT / 'benchmarks/README.md',
]
FENCE = re.compile(r'^```.*?^```$', re.M | re.S)


def page_id(page: Path) -> str:
    """The name of a test."""
    return page.relative_to(ROOT).as_posix()


def anchors(page: Path) -> set[str]:
    """What headings are called in links."""
    titles = re.findall(r'^#+ (.+)$', FENCE.sub('', page.read_text()), re.M)
    texts = [re.sub(r'\[([^]]*)\]\([^)]*\)', r'\1', title) for title in titles]
    return {re.sub(r'[^\w\- ]', '', text.lower()).replace(' ', '-') for text in texts}


def links(page: Path) -> list[tuple[str, str]]:
    """Path and anchor of the links to files, images included."""
    found = re.findall(r'\]\(([^)\s]+)\)', FENCE.sub('', page.read_text()))
    return [link.partition('#')[::2] for link in found if '://' not in link]


def command_lines(page: Path) -> list[list[str]]:
    """The words of each line of the bash blocks, settings of the environment left out."""
    lines = re.sub(r'\$\(.*?\)', 'CHECKPOINT', '\n'.join(blocks(page, 'bash'))).splitlines()
    words = [shlex.split(line, comments=True) for line in lines]
    return [[word for word in line if not re.fullmatch(r'[A-Z_]+=\S+', word)] for line in words if line]


def own_file(code: str) -> str | None:
    """The name that the first line of a block gives it."""
    found = re.match(r'# (\w+\.py)\n', code)
    return found and found[1]


def is_config(code: str) -> bool:
    """Whether a block is a config or a part of one: settings alone, made with ``dict``."""
    tree = ast.parse(code)
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return all(isinstance(statement, ast.Assign) for statement in tree.body) and called <= {'dict', 'len'}


def mentioned_paths(page: Path) -> list[str]:
    """Paths of files of the repository, in text, commands and diagrams alike; ``*`` may stand in them."""
    folders = 'benchmarks|configs|docs|mmmaskformer|requirements|tests|tools'
    found = re.findall(rf'(?<![\w/.:~-])(?:{folders})/[\w./*-]*', page.read_text())
    return sorted({path.rstrip('.') for path in found if '/.' not in path})


def messages(page: Path) -> list[str]:
    """The parts of the error messages in the first columns of the tables, which stand in code spans."""
    cells = re.findall(r'^\| (`.+?) \| ', page.read_text(), re.M)
    spans = [span for cell in cells for span in re.findall(r'`([^`]+)`', cell)]
    return [part.strip() for span in spans for part in span.split('...') if part.strip()]
