"""What the doctor tells of security: how checkpoints are loaded. Needs the standard library alone."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

UNPROTECTED = 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'
# Where functions live that run code, or open the way to it; classes among the builtins only hold data.
POWERFUL = {
    'builtins', 'code', 'ctypes', 'functools', 'importlib', 'io', 'nt', 'operator', 'os', 'pickle', 'posix',
    'runpy', 'shutil', 'subprocess', 'sys', 'types',
}  # fmt: skip


def security_notes(
    version: str, environment: Mapping[str, str] = os.environ, allowed: Iterable[Any] | None = None
) -> list[str]:
    """What is worth knowing before a file of somebody else is loaded, a sentence each.

    Args:
        version: That of torch.
        environment: Variables of the process.
        allowed: What is on torch's allow-list; None asks torch.
    """
    notes = []
    numbers = re.findall(r'\d+', version)
    if len(numbers) > 1 and tuple(map(int, numbers[:2])) < (2, 6):
        notes.append(
            f'torch.load of torch {version} runs code that a file holds, and its weights_only=True can be '
            'circumvented (CVE-2025-32434). What is loaded through mmmaskformer and MMEngine goes by an '
            'allow-list of our own; for all else, install torch 2.6 or later.'
        )
    if environment.get(UNPROTECTED, '0').lower() in ('1', 'y', 'yes', 'true'):
        notes.append(
            f'{UNPROTECTED} is set, so torch.load runs code that a file holds unless it is called with '
            'weights_only=True, as mmmaskformer does: unset it.'
        )
    risky = sorted(filter(None, map(_risk, _allowed_by_torch() if allowed is None else allowed)))
    if risky:
        notes.append(f'The allow-list of torch.load holds {", ".join(risky)}: a file can run code by it.')
    return notes


def _allowed_by_torch() -> list[Any]:
    try:
        return importlib.import_module('torch.serialization').get_safe_globals()
    except Exception:  # no torch, a broken one, or one without the list: other lines of the doctor say so
        return []


def _risk(entry: Any) -> str | None:
    """Name of a function that should not be on the list."""
    thing = entry[0] if isinstance(entry, tuple) else entry
    module, name = getattr(thing, '__module__', None) or '', getattr(thing, '__qualname__', str(thing))
    holds_data = isinstance(thing, type) and module == 'builtins'
    return f'{module}.{name}' if module.split('.')[0].lstrip('_') in POWERFUL and not holds_data else None
