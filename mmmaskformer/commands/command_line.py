"""The command ``mmmaskformer``: its parser, and how a subcommand is started.

Nothing heavy is imported before the arguments are read, so that help and completion come up at once.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from types import ModuleType

from .. import __version__, fill_registries
from .arguments import example

COMMANDS = (
    'new',
    'train',
    'test',
    'predict',
    'inspect',
    'convert',
    'export',
    'compare',
    'push',
    'serve',
    'doctor',
    'completion',
)
BARE = ('doctor', 'completion', 'serve')
"""Commands that run where PyTorch and OpenMMLab cannot be imported, or import them when they need them."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; an error in files, arguments or config ends it with one sentence.

    Args:
        arguments: Those of a command line, without the program; by default those of this process.

    Example:
        >>> main(['new', 'data/camvid', '--out', 'my_config.py'])
    """
    parser = build_parser()
    _complete(parser)
    args = parser.parse_args(arguments)
    if args.command is None:
        parser.print_help()
    elif args.command in BARE:
        args.main(args)
    else:
        start(args.main, args)


def build_parser() -> argparse.ArgumentParser:
    """The parser of all subcommands."""
    parser = argparse.ArgumentParser(
        prog='mmmaskformer',
        description='Segment images: from a folder of annotated images to a trained model.',
        epilog=example(
            [
                'mmmaskformer train data/camvid --minutes 30',
                'mmmaskformer predict photos --weights work_dirs/camvid',
                'mmmaskformer train --help',
            ]
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--version', action='version', version=f'mmmaskformer {__version__}')
    subparsers = parser.add_subparsers(title='commands', dest='command', metavar='COMMAND')
    for name in COMMANDS:
        module = importlib.import_module(f'{__package__}.{name}')
        child = subparsers.add_parser(name, help=title(module), **_texts(module))
        module.add_arguments(child)
        child.set_defaults(main=module.main)
    return parser


def tool_parser(module: ModuleType) -> argparse.ArgumentParser:
    """The parser of one subcommand on its own, for the scripts in ``tools/``."""
    parser = argparse.ArgumentParser(description=title(module))
    module.add_arguments(parser)
    return parser


def title(module: ModuleType) -> str:
    """The first line of a subcommand's docstring."""
    return str(module.__doc__).splitlines()[0]


def _texts(module: ModuleType) -> dict:
    return dict(
        description=str(module.__doc__).strip(),
        epilog=example(module.EXAMPLES),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _complete(parser: argparse.ArgumentParser) -> None:
    """Answer the shell that asks for completions; ``mmmaskformer completion bash`` turns them on."""
    if '_ARGCOMPLETE' in os.environ:
        import argcomplete

        argcomplete.autocomplete(parser)


def start(command: Callable[[argparse.Namespace], None], args: argparse.Namespace) -> None:
    """Import PyTorch and OpenMMLab, and run a command."""
    if not sys.warnoptions:  # -W or PYTHONWARNINGS show them
        warnings.simplefilter('ignore')
        os.environ['PYTHONWARNINGS'] = 'ignore'  # in worker processes
    # Waiting threads soon go to sleep: on a busy machine, spinning on made training 8 times slower.
    os.environ.setdefault('GOMP_SPINCOUNT', '1000')
    try:
        fill_registries()
    except ImportError as error:
        if args.debug:
            raise
        sys.exit(f'Error: {error} (`mmmaskformer doctor` shows what is installed, and the fix.)')
    if not sys.warnoptions:
        warnings.simplefilter('ignore')  # imported packages add filters of their own
    from ..apis.command_line import run

    try:
        run(command, args)
    except KeyboardInterrupt:
        sys.exit('\nInterrupted.')
