"""What names, types, settings and messages on the pages are compared with; see tests/test_docs.py."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
from pathlib import Path
from typing import Any

from mmengine.registry import Registry, root

TAKEN_BY_BUILDERS = {'type', '_scope_', 'paramwise_cfg', 'constructor', 'requires_grad'}


def check_settings(part: dict) -> None:
    """The type is registered, and takes the settings."""
    name = part['type'].rpartition('.')[2]
    kinds = [registry.module_dict[name] for registry in registries() if name in registry.module_dict]
    assert kinds, part['type']
    given = set(part) - TAKEN_BY_BUILDERS
    assert any(given <= (settings_of(kind) or given) for kind in kinds), (part['type'], given)


def settings_of(kind: Any) -> set[str] | None:
    """Arguments of the constructor and those it passes on to; None if that cannot be known."""
    names: set[str] = set()
    for cls in inspect.getmro(kind) if inspect.isclass(kind) else (kind,):
        function = vars(cls).get('__init__') if inspect.isclass(kind) else kind
        if function is None:
            continue
        parameters = inspect.signature(function).parameters.values()
        names |= {parameter.name for parameter in parameters}
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
            return names
        if not kind.__module__.startswith('mmmaskformer'):  # may pass them on to anything
            return None
    return None


def registries() -> list[Any]:
    """All registries of MMEngine, and those that packages have put below them."""
    found = [registry for registry in vars(root).values() if isinstance(registry, Registry)]
    for registry in found:  # grows
        found += registry.children.values()
    return found


def resolve(name: str) -> Any:
    """The module, or what a module holds; None if there is no such thing."""
    for length in range(name.count('.') + 1, 0, -1):
        words = name.split('.')
        try:
            value = importlib.import_module('.'.join(words[:length]))
        except ModuleNotFoundError:
            continue
        for word in words[length:]:
            value = getattr(value, word, None)
        return value
    return None


def sources(package: str) -> str:
    """All code of a package, texts that go on in the next line joined."""
    folder = Path(importlib.util.find_spec(package).origin).parent
    text = '\n'.join(
        path.read_text(encoding='utf-8') for path in folder.rglob('*.py') if '.mim' not in path.parts
    )
    return re.sub(r"""['"]\s*(?:#.*)?\n\s*f?['"]""", '', text)
