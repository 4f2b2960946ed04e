"""Show installed versions, active workarounds, and problems with their fixes."""

from __future__ import annotations

import argparse
import sys

EXAMPLES = ('mmmaskformer doctor',)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This command has no arguments."""


def main(args: argparse.Namespace) -> None:
    """Print the report; exit status 1 if something is wrong."""
    from .. import doctor

    sys.exit(doctor.main())
