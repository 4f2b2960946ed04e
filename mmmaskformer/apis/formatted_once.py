"""A config whose text is formatted once for all that write it."""

from __future__ import annotations

from typing import ClassVar

from mmengine.config import Config


class FormattedOnce(Config):
    """A config that formats its text again only after a change.

    MMEngine formats the whole config for each checkpoint, log and dump: seconds of every short training. The
    text of the latest content serves copies of the config, too.

    Example:
        >>> cfg = FormattedOnce.of(Config.fromfile('my_config.py'))
        >>> cfg.pretty_text is cfg.pretty_text
        True
    """

    _latest: ClassVar[tuple[str, str]] = ('', '')

    @classmethod
    def of(cls, cfg: Config) -> FormattedOnce:
        """A config with the same content, shared with ``cfg``."""
        made = cls.__new__(cls)
        made.__setstate__(cfg.__getstate__())
        return made

    @property
    def pretty_text(self) -> str:
        """The config as Python code, as MMEngine formats it."""
        content = repr(self.__getstate__())
        known, text = FormattedOnce._latest
        if known != content:
            text = super().pretty_text
            FormattedOnce._latest = content, text
        return text
