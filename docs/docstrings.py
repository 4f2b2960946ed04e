"""Griffe's extension for docstrings: a section ``Example:`` is code, as ``Examples:`` is."""

from __future__ import annotations

import re
from typing import Any

import griffe


class ExampleSections(griffe.Extension):
    """Gives sections of examples the title that Griffe knows."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Called with every module, class, function and attribute."""
        if obj.docstring is not None:
            obj.docstring.value = re.sub(r'^( *)Example:$', r'\1Examples:', obj.docstring.value, flags=re.M)
