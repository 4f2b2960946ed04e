"""What the command-line tools share: the config, and errors on one line."""

from __future__ import annotations

import argparse
import difflib
import gc
import inspect
import os
import os.path as osp
import re
import reprlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from traceback import extract_tb, walk_tb
from types import FrameType
from typing import Any

from mmengine.config import Config
from torch import distributed

from ..inference.config_files import read_config
from .checks import RUNNER_SETTINGS

GLOO_SHUTDOWN_SECONDS = 0.5
"""For threads of gloo to finish: they need the GIL, which destroying the group holds while it waits."""
UNKNOWN = re.compile(r"(\w+)(?:\.__init__)?\(\) got an unexpected keyword argument '(\w+)'")
MISSING = re.compile(r'(\w+)(?:\.__init__)?\(\) missing \d+ required (?:\S+ )?arguments?: (.+)')
UNREGISTERED = re.compile(r'(\S+) is not in the \S*?(\w+(?: \w+)*) registry')


def load_config(args: argparse.Namespace) -> Config:
    """The config with the command line's changes in it.

    ``work_dir`` comes from the command line, else from the config, else from the config's name.

    Raises:
        ValueError: The file is not a config, or ``--cfg-options`` has a name that is not known.
        FileNotFoundError: The file does not exist.
    """
    cfg = read_config(args.config)
    if args.cfg_options is not None:
        merge_options(cfg, args.cfg_options)
    if hasattr(args, 'launcher'):
        os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
        cfg.launcher = args.launcher
        name = osp.splitext(osp.basename(args.config))[0]
        cfg.work_dir = args.work_dir or cfg.get('work_dir') or osp.join('work_dirs', name)
    return cfg


def merge_options(cfg: Config, options: Mapping[str, Any]) -> None:
    """Let options as ``model.decode_head.num_classes=3`` override a config.

    Raises:
        ValueError: The first part of a name is neither in the config nor a setting of the runner, or the
            rest does not lead to a setting.
    """
    known = {*cfg, *RUNNER_SETTINGS}
    for name in options:
        first = name.split('.')[0]
        if first not in known:
            raise ValueError(
                f'--cfg-options: the config has no setting {first!r} (in {name}){did_you_mean(first, known)}'
            )
    for name, value in options.items():
        try:
            cfg.merge_from_dict({name: value})
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(f'--cfg-options: {name} does not lead to a setting: {error}') from error


def run(main: Callable[[argparse.Namespace], object], args: argparse.Namespace) -> None:
    """Call ``main``; an error in files, arguments or config ends it with one line instead of a traceback."""
    try:
        main(args)
        leave_processes()
    except SystemExit:  # a run that stops on purpose
        leave_processes()
        raise
    except Exception as error:
        sentence = sentence_of(error)
        if sentence is None or args.debug:
            raise
        sys.exit(f'Error: {sentence} (--debug shows where.)')


def leave_processes() -> None:
    """Destroy the process group of a distributed run and its threads before the interpreter exits.

    Threads that are still running at exit sometimes abort the process, and torchrun reports a failed run.
    """
    if distributed.is_available() and distributed.is_initialized():
        time.sleep(GLOO_SHUTDOWN_SECONDS)
        distributed.destroy_process_group()
        gc.collect()  # reference cycles hold the group and its threads


def sentence_of(error: BaseException) -> str | None:
    """The message for an error in files, arguments or config; None for what may be a bug of the program.

    Errors for users are ValueError and OSError. Other exceptions that are raised while an object is built
    from a config are errors in the config: an unknown setting or type, a value that a constructor refuses.
    """
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f'{error.strerror}: {error.filename}'
    if isinstance(error, ValueError | OSError):
        return _metainfo_conflict(error) or _message(error)
    frames = list(_build_frames(error))
    return _config_error(error, frames) if frames else None


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """``'; did you mean num_classes?'`` if one of the names is similar, else an empty string."""
    close_names = difflib.get_close_matches(name, list(names), n=1)
    return f'; did you mean {close_names[0]!r}?' if close_names else ''


def _message(error: BaseException) -> str:
    """The message itself, without the traceback that a worker process of a data loader prepends."""
    text = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
    lines = text.strip().splitlines() or [type(error).__name__]
    if 'Original Traceback' not in text:
        return ' '.join(line.strip() for line in lines)
    return lines[-1].removeprefix(f'{type(error).__name__}: ')


def _metainfo_conflict(error: BaseException) -> str | None:
    """The metainfo in which data sets of a ConcatDataset differ; MMEngine's message does not show it."""
    for frame, _ in walk_tb(error.__traceback__):
        variables = frame.f_locals
        if frame.f_code.co_name == '__init__' and {'meta_keys', 'key', 'self'} <= variables.keys():
            infos = [dataset.metainfo for dataset in variables['self'].datasets]
            return _difference(infos, variables['key'])
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
    value, expected = (reprlib.repr(info.get(key)) for info in (infos[number], first))
    return f'ConcatDataset: data set {number + 1} has {key}={value}, but the first has {expected}: {advice}.'


def _build_frames(error: BaseException) -> Iterator[FrameType]:
    """The frames in which MMEngine builds an object from a config, the innermost last."""
    for frame, _ in walk_tb(error.__traceback__):
        if frame.f_code.co_name == 'build_from_cfg' and 'obj_type' in frame.f_locals:
            yield frame


def _config_error(error: BaseException, frames: list[FrameType]) -> str:
    innermost, message = frames[-1].f_locals, _message(error)
    if match := UNREGISTERED.search(message):
        hint = did_you_mean(match[1].rpartition('.')[2], innermost['registry'].module_dict)
        return f'The config has the type {match[1]!r}, which is not in the registry of {match[2]}s{hint}'
    if match := UNKNOWN.search(message):
        named = [frame.f_globals.get(match[1]) for frame, _ in walk_tb(error.__traceback__)]
        classes = [*filter(inspect.isclass, named), innermost.get('obj_cls')]
        settings = {name for cls in classes for name in _settings(cls)}
        return f'{match[1]} has no setting {match[2]!r}{did_you_mean(match[2], settings)}'
    if match := MISSING.search(message):
        return f'{match[1]} lacks the setting {match[2]}: add it to the config.'
    name = getattr(innermost.get('obj_cls'), '__name__', innermost['obj_type'])
    reason = message if str(error) else str(extract_tb(error.__traceback__)[-1].line)
    return f'{name} cannot be built from the config: {type(error).__name__}: {reason}'


def _settings(cls: object) -> set[str]:
    """Arguments of a class's constructors."""
    constructors = (
        (vars(base).get('__init__') for base in inspect.getmro(cls)) if inspect.isclass(cls) else ()
    )
    return {name for make in constructors if make for name in inspect.signature(make).parameters} - {'self'}
