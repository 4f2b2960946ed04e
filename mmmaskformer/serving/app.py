"""The web application: ``/predict``, ``/model``, ``/health``, and their documentation under ``/docs``."""

from __future__ import annotations

import logging
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException as AnyHTTPException

from ..version import __version__
from .answers import Masks, drop_low_scores, json_of, png_of
from .batching import Batcher, ClosedError, QueueFullError
from .limits import Limits
from .served_model import Job, ServedModel, UnusableImageError
from .uploads import UNUSABLE, Upload, read_uploads

LOGGER = logging.getLogger('uvicorn.error')
BUSY = 503
NEEDS = dict(label='semantic', segments='panoptic')
IMAGE = {'schema': {'type': 'string', 'format': 'binary'}}
FILES = {'type': 'array', 'items': {'type': 'string', 'format': 'binary'}}
BODY = {
    'required': True,
    'content': {
        'multipart/form-data': {'schema': {'type': 'object', 'properties': {'images': FILES}}},
        **dict.fromkeys(('image/jpeg', 'image/png', 'application/octet-stream'), IMAGE),
    },
}
ERRORS: dict[int | str, dict[str, Any]] = {
    413: {'description': 'Too many bytes or pixels'},
    415: {'description': 'Not an image'},
    422: {'description': 'A setting or an image that cannot be used'},
    503: {'description': 'Too many images wait; Retry-After says for how long'},
}


class Settings(BaseModel, extra='forbid'):
    """Query parameters of ``/predict``."""

    task: list[Literal['semantic', 'panoptic', 'instance']] = Field(
        [], description='results wanted, may be repeated; by default all that the model gives'
    )
    output: Literal['json', 'overlay', 'label', 'segments'] | None = Field(
        None, description='json, or of a single image a PNG: overlay, label map, ids of panoptic segments'
    )
    masks: Masks = Field('rle', description='pixels of the segments: run lengths of COCO, polygons, or none')
    maps: bool = Field(False, description='add label map and id map to the JSON, as PNGs in base64')
    min_score: float = Field(0, ge=0, le=1, description='leave out segments and instances with lower scores')
    alpha: float = Field(0.6, ge=0, le=1, description='how much of the colors an overlay shows')


def create_app(model: ServedModel, limits: Limits | None = None, origins: Sequence[str] = ()) -> FastAPI:
    """The application for a model.

    Args:
        model: The model.
        limits: What is accepted.
        origins: Web sites whose pages may call the server from a browser (CORS), ``'*'`` for all; none by
            default.

    Example:
        >>> uvicorn.run(create_app(open_model('work_dirs/street')))
    """
    limits = limits or Limits()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        batcher: Batcher[Job, Any] = Batcher(
            model.predict, limits.max_batch, limits.max_wait, limits.max_queue
        )
        batcher.start()
        app.state.batcher = batcher
        yield
        await batcher.close()

    app = FastAPI(title=f'mmmaskformer: {model.name}', version=__version__, lifespan=lifespan)
    app.state.model, app.state.limits = model, limits
    if origins:
        app.add_middleware(CORSMiddleware, allow_origins=list(origins), allow_methods=['GET', 'POST'])
    app.add_exception_handler(AnyHTTPException, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse_settings)
    app.add_exception_handler(Exception, _hide)
    extra = {'requestBody': BODY}
    app.post('/predict', responses=ERRORS, openapi_extra=extra, response_class=JSONResponse)(predict)
    app.get('/model')(describe)
    app.get('/health')(health)
    return app


async def predict(request: Request, settings: Annotated[Settings, Query()]) -> Response:
    """Predict from an image as the body, or from the files of a form."""
    state = request.app.state
    tasks = _tasks(settings.task, state.model)
    output = settings.output or ('overlay' if _wants_png(request) else 'json')
    if NEEDS.get(output, tasks[0]) not in tasks:
        raise HTTPException(UNUSABLE, f'output={output} needs task={NEEDS[output]}, which was not asked for.')
    with _refusing():
        state.batcher.check_space(1)  # before the images are read
    uploads = await read_uploads(request, state.limits)
    if output != 'json' and len(uploads) > 1:
        raise HTTPException(UNUSABLE, f'output={output} is for one image, but the form has {len(uploads)}.')
    with tempfile.TemporaryDirectory(prefix='mmmaskformer-') as folder:
        jobs = await run_in_threadpool(_store, uploads, Path(folder), tasks)
        with _refusing():
            results = await state.batcher.submit(jobs)
        return await run_in_threadpool(_answer, results, uploads, output, settings, state.model)


async def describe(request: Request) -> dict[str, Any]:
    """The model: its classes, results and settings, and the limits of the server."""
    model, limits = request.app.state.model, request.app.state.limits
    palette = model.classes.palette or [None] * len(model.classes.names)
    classes = [
        dict(id=i, name=name, isthing=model.classes.is_thing(i), color=None if color is None else list(color))
        for i, (name, color) in enumerate(zip(model.classes.names, palette))
    ]
    return dict(
        name=model.name,
        tasks=model.tasks,
        classes=classes,
        settings=model.settings,
        limits=vars(limits),
        version=__version__,
    )


async def health(request: Request) -> dict[str, Any]:
    """Whether the model is loaded, how many images wait, and how large the batches were."""
    batcher = request.app.state.batcher
    return dict(status='ok', waiting=len(batcher), batches=batcher.sizes)


def _tasks(wanted: Sequence[str], model: ServedModel) -> tuple[str, ...]:
    missing = [task for task in wanted if task not in model.tasks]
    if missing:
        given = ', '.join(model.tasks)
        raise HTTPException(UNUSABLE, f'task={missing[0]}: this model gives {given}.')
    return tuple(task for task in model.tasks if not wanted or task in wanted)


def _wants_png(request: Request) -> bool:
    return request.headers.get('accept', '').startswith('image/png')


def _store(uploads: Sequence[Upload], folder: Path, tasks: tuple[str, ...]) -> list[Job]:
    jobs = []
    for number, upload in enumerate(uploads):
        path = folder / f'{number}.image'
        path.write_bytes(upload.content)
        jobs.append(Job(path, upload.name, tasks))
    return jobs


@contextmanager
def _refusing() -> Iterator[None]:
    """Errors of a prediction as answers."""
    try:
        yield
    except QueueFullError as error:
        wait = {'Retry-After': str(error.retry_after)}
        raise HTTPException(BUSY, f'Too many images wait: {error}.', wait) from None
    except ClosedError:
        raise HTTPException(BUSY, 'The server is going down.', {'Retry-After': '10'}) from None
    except UnusableImageError as error:
        raise HTTPException(UNUSABLE, str(error)) from None


def _answer(
    results: Sequence[Any], uploads: Sequence[Upload], output: str, settings: Settings, model: ServedModel
) -> Response:
    for result in results:
        drop_low_scores(result, settings.min_score)
    if output == 'json':
        names = [upload.name for upload in uploads]
        content = json_of(results, names, settings.masks, settings.maps)
        return Response(content, media_type='application/json')
    (result,) = results
    painted = output == 'overlay'
    pixels = model.overlay(result, settings.alpha) if painted else getattr(result, NEEDS[output])
    return Response(png_of(pixels), media_type='image/png')


def _error(status: int, sentence: str, headers: Any = None) -> JSONResponse:
    return JSONResponse(dict(error=sentence), status, headers)


async def _refuse(_: Request, error: Any) -> JSONResponse:
    return _error(error.status_code, str(error.detail), error.headers)


async def _refuse_settings(_: Request, error: Any) -> JSONResponse:
    first = error.errors()[0]
    name = first['loc'][1] if len(first['loc']) > 1 else 'request'
    if first['type'] == 'extra_forbidden':
        known = ', '.join(Settings.model_fields)
        return _error(UNUSABLE, f'There is no parameter {name!r}: expected one of {known}.')
    return _error(UNUSABLE, f'{name}={first.get("input")!r}: {first["msg"].lower()}.')


async def _hide(request: Request, _: Exception) -> JSONResponse:
    """Tell a client no details; uvicorn logs the traceback after this line."""
    number = uuid.uuid4().hex[:8]
    LOGGER.error('Error %s of %s:', number, request.url.path)
    return _error(500, f'The server failed; its log has the details under {number}.')
