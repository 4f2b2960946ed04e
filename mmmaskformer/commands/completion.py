"""Print what a shell needs for completing `mmmaskformer` with the tab key.

Needs the package argcomplete: pip install 'mmmaskformer[completion]'.
"""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec

EXAMPLES = (
    'mmmaskformer completion bash >> ~/.bashrc',
    'mmmaskformer completion zsh >> ~/.zshrc',
    'mmmaskformer completion fish > ~/.config/fish/completions/mmmaskformer.fish',
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument('shell', choices=['bash', 'zsh', 'fish'], help='the shell')


def main(args: argparse.Namespace) -> None:
    """Print the script."""
    if find_spec('argcomplete') is None:
        sys.exit("Error: argcomplete is not installed: pip install 'mmmaskformer[completion]'")
    import argcomplete

    if args.shell == 'zsh':  # argcomplete's function is found by zsh's own system, which must be on
        print('autoload -Uz compinit && compinit')
    print(argcomplete.shellcode(['mmmaskformer'], shell=args.shell))
