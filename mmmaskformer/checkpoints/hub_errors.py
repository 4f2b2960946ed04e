"""Errors of the Hugging Face hub as sentences."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .hub import HubAddress

LOG_IN = 'log in with `hf auth login`, or set HF_TOKEN'


@contextmanager
def naming_the_model(address: HubAddress, hub: Any, local_files_only: bool = False) -> Iterator[None]:
    """Turn whatever the hub's library raises into a ValueError with one sentence."""
    try:
        yield
    except Exception as error:
        raise ValueError(_sentence(address, error, hub, local_files_only)) from error


def _sentence(address: HubAddress, error: Exception, hub: Any, local_files_only: bool) -> str:
    errors, endpoint = hub.errors, hub.constants.ENDPOINT
    error = _answer_behind(error, errors)
    offline = local_files_only or hub.constants.HF_HUB_OFFLINE
    name = str(address._replace(revision=None, file=None))
    if isinstance(error, errors.GatedRepoError):
        return f'{name} is gated: accept its terms at {endpoint}/{address.repo}, then {LOG_IN}.'
    if isinstance(error, errors.RepositoryNotFoundError):
        return (
            f'There is no model {address.repo} at {endpoint}, or it is private: check the name, or {LOG_IN}.'
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return f'{name} has no revision {address.revision!r}: give a branch, a tag or a commit.'
    if isinstance(error, errors.LocalEntryNotFoundError):
        if offline:
            switch = 'local_files_only' if local_files_only else 'HF_HUB_OFFLINE'
            return f'{address} is not complete in the cache, and {switch} forbids to download it.'
        return f'{address} is not in the cache, and {endpoint} cannot be reached: {_reason(error)}.'
    if isinstance(error, errors.EntryNotFoundError):
        return f'{name} has no file {address.file}: check its name, and the revision.'
    if isinstance(error, errors.HfHubHTTPError):
        return f'{address}: {endpoint} answered with status {_status(error)}; {_advice(error)}.'
    if isinstance(error, errors.FileMetadataError | json.JSONDecodeError):
        return (
            f'{address}: {endpoint} does not answer as the hub does (a page to log in to a network?): check '
            'HF_ENDPOINT and the proxy.'
        )
    if 'Consistency check failed' in str(error):
        return f'{address}: the download broke off, and was removed: try again.'
    return f'{address} cannot be downloaded from {endpoint}: {_reason(error)}.'


def _answer_behind(error: Exception, errors: Any) -> Exception:
    """What a server has answered, where the library reports only that a file is not in the cache."""
    cause = error.__cause__
    answered = isinstance(cause, errors.HfHubHTTPError | errors.FileMetadataError)
    if isinstance(cause, Exception) and answered and isinstance(error, errors.LocalEntryNotFoundError):
        return cause
    return error


def _reason(error: BaseException) -> str:
    """The first line of the innermost cause."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return f'{type(error).__name__}: {lines[0]}'.rstrip('.') if lines else type(error).__name__


def _status(error: Any) -> int | None:
    return getattr(error.response, 'status_code', None)


def _advice(error: Any) -> str:
    if _status(error) in (401, 403):
        return f'{LOG_IN}, with a token that may read (to push: write) this model'
    return 'try again later'
