"""Security notes of the doctor: how checkpoints are loaded. Needs only the standard library."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

UNPROTECTED = 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'
# Modules whose functions run code or give access to it; classes in builtins only hold data.
POWERFUL = {
    'builtins', 'code', 'ctypes', 'functools', 'importlib', 'io', 'nt', 'operator', 'os', 'pickle', 'posix',
    'runpy', 'shutil', 'subprocess', 'sys', 'types',
}  # fmt: skip


def security_notes(
    version: str, environment: Mapping[str, str] = os.environ, allowed: Iterable[Any] | None = None
) -> list[str]:
    """Notes for users who load files of others, a sentence each.

    Args:
        version: Version of torch.
        environment: Environment variables.
        allowed: Entries of torch's allow-list; None reads them from torch.
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
        notes.append(f'The allow-list of torch.load holds {", ".join(risky)}: a file can run code with it.')
    return notes


def _allowed_by_torch() -> list[Any]:
    try:
        return importlib.import_module('torch.serialization').get_safe_globals()
    except Exception:  # torch is missing, broken or has no list: reported elsewhere by the doctor
        return []


def _risk(entry: Any) -> str | None:
    """Full name of an entry that should not be on the list, else None."""
    member = entry[0] if isinstance(entry, tuple) else entry
    module, name = (
        getattr(member, '__module__', None) or '',
        getattr(member, '__qualname__', str(member)),
    )
    holds_data = isinstance(member, type) and module == 'builtins'
    return f'{module}.{name}' if module.split('.')[0].lstrip('_') in POWERFUL and not holds_data else None
