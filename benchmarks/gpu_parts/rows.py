"""Rows of results in a file that another process is still writing."""

from __future__ import annotations

import json
from typing import IO


def new_rows(file: IO[str]) -> list[dict]:
    """Rows that have been completed since the last call."""
    rows = []
    while True:
        position = file.tell()
        line = file.readline()
        if not line.endswith('\n'):
            file.seek(position)
            return rows
        rows.append(json.loads(line))
