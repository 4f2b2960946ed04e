"""What takes most of the time of a small training and changes none of its numbers is left out in tests.

MMEngine formats the text of the config with yapf five times in each run, and collects garbage for each data
set that is loaded, for which Python looks through everything that was imported. Without these, a small
training takes a third of the time. Processes of their own (`run_python`, the shell scripts) have them.
"""

from __future__ import annotations

import gc

import mmengine.config.config

import mmmaskformer.apis  # noqa: F401  so that all is imported that shall be left alone


def leave_text_unformatted(text: str, **_: object) -> tuple[str, bool]:
    """In place of yapf's `FormatCode`."""
    return text, False


mmengine.config.config.FormatCode = leave_text_unformatted
gc.collect()
gc.freeze()
