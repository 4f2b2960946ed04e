"""What the site has beside docs/: the files of the repository that pages link to, and the API reference.

Pages link to each other, and to files outside docs/, by their paths in the repository, so that links work
on a git forge too. On the site such a file lies below ``repository/``.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = 'mmmaskformer'
OUTSIDE = 'repository/'
# A link, its anchor apart; blocks of code come first, so that what looks like a link in them is passed over.
LINK = re.compile(r'(^```.*?^```$)|(\]\()([^)\s#:]+)((?:#[^)\s]*)?\))', re.M | re.S)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Adds the pages that are not in docs/ to the navigation."""
    development = next(section['Development'] for section in config.nav if 'Development' in section)
    for title, name in (('Contributing', 'CONTRIBUTING'), ('Changelog', 'CHANGELOG')):
        development.append({title: f'{OUTSIDE}{name}.md'})
    development.append({'Benchmarks': f'{OUTSIDE}benchmarks/README.md'})
    config.nav.append({'API reference': [f'reference/{name}.md' for name in packages()]})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the linked files and a page for each package."""
    for name in packages():
        whole = '__all__' not in (ROOT / PACKAGE / name / '__init__.py').read_text(encoding='utf-8')
        text = f'# {PACKAGE}.{name}\n\n::: {PACKAGE}.{name}\n    options: {{show_submodules: {whole}}}\n'
        files.append(File.generated(config, f'reference/{name}.md', content=text))
    queue = [
        page.src_uri for page in files.documentation_pages() if not page.src_uri.startswith('reference/')
    ]
    queue += [f'{OUTSIDE}{name}' for name in ('CONTRIBUTING.md', 'CHANGELOG.md', 'benchmarks/README.md')]
    for uri in queue:  # grows while it is read
        if files.get_file_from_path(uri) is None:
            files.append(File.generated(config, uri, abs_src_path=str(ROOT / repository_path(uri))))
        if uri.endswith('.md'):
            text = (ROOT / repository_path(uri)).read_text(encoding='utf-8')
            found = (site_path(linked(uri, match[3])) for match in LINK.finditer(text) if match[3])
            queue += [target for target in found if target not in queue]
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turns links into those of the site."""
    uri = page.file.src_uri
    if uri.startswith('reference/'):
        return markdown

    def replace(match: re.Match) -> str:
        if match[1]:
            return match[0]
        target = posixpath.relpath(site_path(linked(uri, match[3])), posixpath.dirname(uri) or '.')
        return f'{match[2]}{target}{match[4]}'

    return LINK.sub(replace, markdown)


def packages() -> list[str]:
    """Names of the packages inside the package."""
    return sorted(path.parent.name for path in (ROOT / PACKAGE).glob('*/__init__.py'))


def repository_path(uri: str) -> str:
    """Path in the repository of a file of the site."""
    return uri[len(OUTSIDE) :] if uri.startswith(OUTSIDE) else f'docs/{uri}'


def site_path(path: str) -> str:
    """Path on the site of a file of the repository."""
    return path[len('docs/') :] if path.startswith('docs/') else f'{OUTSIDE}{path}'


def linked(uri: str, link: str) -> str:
    """Path in the repository of what a page links to."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(repository_path(uri)), link))
