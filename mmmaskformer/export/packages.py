"""Packages that exporting needs beyond those of the package itself."""

from __future__ import annotations

import importlib
from types import ModuleType


def needed(*names: str, extra: str) -> ModuleType:
    """Import packages; returns the first one.

    Raises:
        ImportError: One is not installed; the message has the line that installs it.
    """
    modules = []
    for name in names:
        try:
            modules.append(importlib.import_module(name))
        except ImportError as error:
            raise ImportError(
                f'This export needs {name}, which cannot be imported ({error}): '
                f"pip install 'mmmaskformer[{extra}]'."
            ) from None
    return modules[0]
