"""The command ``mmmaskformer``, one file for each subcommand."""

from .command_line import main

__all__ = ['main']
