"""The config that MMEngine's runner stores in checkpoints."""

from __future__ import annotations

import ast
import math
from typing import Any

from mmengine.config import Config


def read_config_text(text: str, source: str) -> Config:
    """The config that MMEngine's runner stores in checkpoints, as text.

    It is read as a table of values: code in it is not run, as a checkpoint may come from anyone.

    Raises:
        ValueError: It is more than assignments of numbers, strings, lists and dicts.
    """
    settings: dict[str, Any] = {}
    try:
        for line in ast.parse(text).body:
            if not isinstance(line, ast.Assign) or not isinstance(line.targets[0], ast.Name):
                raise ValueError(f'line {line.lineno} is not an assignment')
            settings[line.targets[0].id] = _value(line.value)
    except (SyntaxError, TypeError, ValueError) as error:
        raise ValueError(
            f'The config in {source} holds more than plain values ({error}), and code of checkpoints is not '
            'run: give the config file as well.'
        ) from None
    return Config(settings)


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == 'dict':
        if any(keyword.arg is None for keyword in node.keywords):
            raise ValueError(f'line {node.lineno} is not a plain dict')
        first = [_value(part) for part in node.args]  # dict({'a-b': 1}), as MMEngine writes it
        return dict(*first, **{str(keyword.arg): _value(keyword.value) for keyword in node.keywords})
    if isinstance(node, ast.Dict):
        return {_value(key): _value(value) for key, value in zip(node.keys, node.values) if key is not None}
    if isinstance(node, ast.List):
        return [_value(item) for item in node.elts]
    if isinstance(node, ast.Tuple):
        return tuple(_value(item) for item in node.elts)
    if isinstance(node, ast.Name) and node.id in ('inf', 'nan'):
        return getattr(math, node.id)
    return ast.literal_eval(node)
