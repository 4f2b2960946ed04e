"""Mistakes in what a user gave, in one sentence."""

from __future__ import annotations

import difflib
import inspect
import re
import reprlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from traceback import extract_tb, walk_tb
from types import FrameType

UNKNOWN = re.compile(r"(\w+)(?:\.__init__)?\(\) got an unexpected keyword argument '(\w+)'")
MISSING = re.compile(r'(\w+)(?:\.__init__)?\(\) missing \d+ required (?:\S+ )?arguments?: (.+)')
UNREGISTERED = re.compile(r'(\S+) is not in the \S*?(\w+(?: \w+)*) registry')


def sentence_of(error: BaseException) -> str | None:
    """The message for a mistake in files, arguments or config; None if the program may be at fault.

    Errors for users are ValueError and OSError. Whatever else is raised while something is built from a
    config is a mistake in the config: an unknown setting or type, a value that the constructor refuses.
    """
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f'{error.strerror}: {error.filename}'
    if isinstance(error, ValueError | OSError):
        return _disagreement(error) or _message(error)
    frames = list(_building(error))
    return _mistake_in_config(error, frames) if frames else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``'; did you mean num_classes?'`` if there is a name like it."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f'; did you mean {near[0]!r}?' if near else ''


def _message(error: BaseException) -> str:
    """The message itself, also where a data loader's worker process has put its traceback before it."""
    text = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
    lines = text.strip().splitlines() or [type(error).__name__]
    if 'Original Traceback' not in text:
        return ' '.join(line.strip() for line in lines)
    return lines[-1].removeprefix(f'{type(error).__name__}: ')


def _disagreement(error: BaseException) -> str | None:
    """What the data sets of a ConcatDataset disagree about, which MMEngine's own message leaves out."""
    for frame, _ in walk_tb(error.__traceback__):
        found = frame.f_locals
        if frame.f_code.co_name == '__init__' and {'meta_keys', 'key', 'self'} <= found.keys():
            return _difference([dataset.metainfo for dataset in found['self'].datasets], found['key'])
    return None


def _difference(infos: Sequence[Mapping], key: str) -> str:
    first = infos[0]
    if any(info.get('classes') != first.get('classes') for info in infos):
        key = 'classes'
    number = next((i for i, info in enumerate(infos) if info.get(key) != first.get(key)), 0)
    advice = (
        "give all the same classes in the same order (COCO's files: the same categories, such as the path "
        'of one of the files)'
        if key == 'classes'
        else f'make them equal, or set ignore_keys={[key]} to take those of the first'
    )
    found, expected = (reprlib.repr(info.get(key)) for info in (infos[number], first))
    return f'ConcatDataset: data set {number + 1} has {key}={found}, but the first has {expected}: {advice}.'


def _building(error: BaseException) -> Iterator[FrameType]:
    """The frames in which MMEngine builds an object from a config, the innermost last."""
    for frame, _ in walk_tb(error.__traceback__):
        if frame.f_code.co_name == 'build_from_cfg' and 'obj_type' in frame.f_locals:
            yield frame


def _mistake_in_config(error: BaseException, frames: list[FrameType]) -> str:
    innermost, message = frames[-1].f_locals, _message(error)
    if found := UNREGISTERED.search(message):
        hint = did_you_mean(found[1].rpartition('.')[2], innermost['registry'].module_dict)
        return f'The config has the type {found[1]!r}, which is not in the registry of {found[2]}s{hint}'
    if found := UNKNOWN.search(message):
        named = [frame.f_globals.get(found[1]) for frame, _ in walk_tb(error.__traceback__)]
        classes = [*filter(inspect.isclass, named), innermost.get('obj_cls')]
        known = {name for cls in classes for name in _settings(cls)}
        return f'{found[1]} has no setting {found[2]!r}{did_you_mean(found[2], known)}'
    if found := MISSING.search(message):
        return f'{found[1]} lacks the setting {found[2]}: add it to the config.'
    name = getattr(innermost.get('obj_cls'), '__name__', innermost['obj_type'])
    reason = message if str(error) else str(extract_tb(error.__traceback__)[-1].line)
    return f'{name} cannot be built from the config: {type(error).__name__}: {reason}'


def _settings(cls: object) -> set[str]:
    """Arguments of a class's constructors."""
    constructors = (
        (vars(base).get('__init__') for base in inspect.getmro(cls)) if inspect.isclass(cls) else ()
    )
    return {name for make in constructors if make for name in inspect.signature(make).parameters} - {'self'}
