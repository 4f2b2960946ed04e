"""Fonts that have the characters of a text, and replacements if no installed font has them."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache
from itertools import groupby
from pathlib import Path

import matplotlib
from matplotlib.font_manager import FontProperties, findfont, findSystemFonts
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text
from mmengine.logging import print_log
from packaging.version import Version
from PIL import ImageFont, features

from ..utils import shown

NAMED = 5
LESS_LEGIBLE = ('bold', 'black', 'heavy', 'italic', 'oblique', 'mono', 'light', 'thin', 'condensed', 'serif')
NOT_LETTERS = ('lastresort', 'adobeblank', 'emoji', 'notdef')
INVISIBLE = ('Cc', 'Cf', 'Zs', 'Zl', 'Zp')
MISSING = '?'
_logged: set[str] = set()


def get_font(text: str, size: int) -> ImageFont.FreeTypeFont:
    """A font that has the characters of a text: DejaVu Sans, which matplotlib includes, or another one."""
    return _load(font_path(text) or _default_path(), size)


@cache
def _load(path: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


@lru_cache(maxsize=4096)
def font_path(text: str) -> str | None:
    """The file of a font that has all characters of a text; None if no installed font has them."""
    letters = {letter for letter in text if unicodedata.category(letter) not in INVISIBLE}
    return _path_for(frozenset(map(ord, letters)))


@cache
def _path_for(codes: frozenset[int]) -> str | None:
    if codes <= _codes_in(_default_path()):
        return _default_path()
    return next((path for path in machine_fonts() if codes <= _codes_in(path)), None)


def legible(text: str) -> str:
    """A text that fonts can draw: missing characters lose their accents, or become question marks."""
    if font_path(text):
        return text
    folded = _without_accents(text)
    return folded if font_path(folded) else ''.join(c if font_path(c) else MISSING for c in folded)


@lru_cache(maxsize=64)
def legible_names(names: tuple[str, ...], word: str = 'class') -> tuple[str, ...]:
    """Names that fonts can draw, on one line; ``class 7`` replaces a name that no font has.

    Logs the names that are drawn in another way, and what to install.

    Args:
        names: The names; their positions, from 0, are the numbers in replacements.
        word: Precedes the number in a replacement.
    """
    plain = [' '.join(str(name).split()) for name in names]
    written = [_replacement(name, f'{word} {index}') for index, name in enumerate(plain)]
    _log_replaced(
        {name: new for name, new in zip(plain, written) if name not in _logged and not font_path(name)}
    )
    return tuple(written)


def _log_replaced(replaced: dict[str, str]) -> None:
    """Log names that are replaced, each once per process."""
    if not replaced:
        return
    _logged.update(replaced)
    named = shown([f'{name} ({new})' for name, new in replaced.items()], NAMED)
    print_log(
        'No installed font has all characters of these class names, which are drawn in another way: '
        f'{named}. Install a font that has them, such as Noto (Debian and Ubuntu: '
        'fonts-noto-core, for Chinese, Japanese and Korean fonts-noto-cjk).',
        'current',
        logging.WARNING,
    )


def _replacement(name: str, number: str) -> str:
    if font_path(name):
        return name
    folded = _without_accents(name)
    return folded if folded.strip() and font_path(folded) else number


def make_legible(texts: Iterable[Text]) -> None:
    """Set fonts for texts of a matplotlib figure that have their characters."""
    shapes = Version(matplotlib.__version__) >= Version('3.11')
    for text in texts:
        content = text.get_text()
        path = font_path(content)
        text.set_parse_math(False)
        text.set_text(_in_visual_order(legible(content), shapes))
        if path not in (None, _default_path()):
            text.set_fontproperties(FontProperties(fname=path, size=text.get_fontsize()))


@cache
def machine_fonts() -> tuple[str, ...]:
    """Font files of this machine, plain ones without serifs first."""
    paths = [path for path in findSystemFonts() if not any(word in path.lower() for word in NOT_LETTERS)]
    return tuple(sorted(paths, key=_rank))


def _rank(path: str) -> tuple[int, bool, str]:
    name = Path(path).stem.lower()
    return sum(word in name.replace('sansserif', '') for word in LESS_LEGIBLE), 'sans' not in name, path


@cache
def _default_path() -> str:
    return findfont('DejaVu Sans')


@cache
def _codes_in(path: str) -> frozenset[int]:
    """Code points that a font has; none for a file that cannot be used."""
    try:
        ImageFont.truetype(path, 12).getbbox('x')
        return frozenset(FT2Font(path).get_charmap())
    except (OSError, RuntimeError, ValueError):
        return frozenset()


def _without_accents(text: str) -> str:
    """``ệ`` as ``e``, full-width and mathematical letters as plain ones."""
    return ''.join(c for c in unicodedata.normalize('NFKD', text) if not unicodedata.combining(c))


def for_pillow(text: str) -> str:
    """A text in the order that Pillow draws its characters: without Raqm, from left to right."""
    return _in_visual_order(text, bool(features.check('raqm')))


def _in_visual_order(text: str, shaped: bool) -> str:
    """A text with right-to-left characters reordered from left to right, unless the renderer does so."""
    kinds = [_direction(letter) for letter in text]
    if shaped or 'R' not in kinds:
        return text
    runs = [''.join(c for c, _ in run) for _, run in groupby(zip(text, kinds), lambda pair: pair[1] == 'L')]
    return ''.join(run if _direction(run[0]) == 'L' else run[::-1] for run in reversed(runs))


def _direction(letter: str) -> str:
    kind = unicodedata.bidirectional(letter)
    return 'R' if kind in ('R', 'AL') else 'L' if kind in ('L', 'EN', 'AN') else 'N'
