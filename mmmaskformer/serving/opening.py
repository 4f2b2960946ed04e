"""The model that the command line names, and the server for it."""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .limits import Limits
from .served_model import ServedModel

METADATA = 'metadata.json'
PACKAGES = ('fastapi', 'uvicorn', 'python_multipart', 'PIL')
GRACE = 30
"""Seconds that requests have to end when the server is stopped."""


def check_packages() -> None:
    """Import what a server needs.

    Raises:
        ValueError: A package is missing.
    """
    for name in PACKAGES:
        try:
            importlib.import_module(name)
        except ImportError:
            raise ValueError(
                f"The server needs the package {name}: pip install 'mmmaskformer[serve]'"
            ) from None


def is_exported(model: str) -> bool:
    """Whether a model is a folder that ``mmmaskformer export`` has written."""
    return (Path(model) / METADATA).is_file()


def open_model(
    model: str,
    weights: str | None = None,
    tasks: Sequence[str] | None = None,
    device: str = 'auto',
    dtype: str = 'fp32',
) -> ServedModel:
    """The model of a config's name, work dir, checkpoint, address of the hub, or exported folder.

    Args:
        model: The model; a config if there are weights.
        weights: Checkpoint, or folder of a training.
        tasks: Results to serve; None serves those of the config.
        device: As `MaskFormerInferencer`.
        dtype: As `MaskFormerInferencer`.

    Raises:
        FileNotFoundError: There is no such model.
        ValueError: It has no weights, or does not fit.
    """
    if is_exported(model):
        return _open_exported(model, weights, tasks, device, dtype)
    from ..inference import MaskFormerInferencer
    from ..inference.model_loading import needs_weights
    from ..own_data.trained_model import checkpoint_of
    from .inferencer_model import InferencerModel

    name = Path(weights or model).name
    if weights is not None:
        weights = checkpoint_of(weights)
    elif Path(model).is_dir():
        model, weights = '', checkpoint_of(model)
    elif needs_weights(model):
        raise ValueError(f'{model} is a config without weights: give --weights.')
    return InferencerModel(MaskFormerInferencer(model or None, weights, device, dtype, tasks), name)


def _open_exported(
    model: str, weights: str | None, tasks: Sequence[str] | None, device: str, dtype: str
) -> ServedModel:
    given = dict(weights=weights, device=device, dtype=dtype)
    defaults = dict(weights=None, device='auto', dtype='fp32')
    changed = [name for name, value in given.items() if value != defaults[name]]
    if changed:
        raise ValueError(f'--{changed[0]} does not apply to {model}, an exported model: leave it out.')
    from .exported_model import ExportedModel

    return ExportedModel(model, tasks)


def run_server(model: ServedModel, limits: Limits, origins: Sequence[str], host: str, port: int) -> None:
    """Serve a model until the process is told to stop; requests that are under way are finished.

    Raises:
        OSError: The port is not free.
    """
    import uvicorn

    from .app import create_app

    _log_requests()
    app: Any = create_app(model, limits, origins)
    uvicorn.run(app, host=host, port=port, timeout_graceful_shutdown=GRACE, log_config=None)


def _log_requests() -> None:
    """Let uvicorn log as it does by itself, but leave open the log files of others, such as MMEngine's."""
    from uvicorn.config import LOGGING_CONFIG
    from uvicorn.logging import AccessFormatter, DefaultFormatter

    formats = LOGGING_CONFIG['formatters']
    for name, formatter, stream in (
        ('uvicorn', DefaultFormatter(formats['default']['fmt']), sys.stderr),
        ('uvicorn.access', AccessFormatter(formats['access']['fmt']), sys.stdout),
    ):
        handler = logging.StreamHandler(stream)
        handler.setFormatter(formatter)
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO)
