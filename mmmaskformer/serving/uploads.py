"""Images of a request: read up to a limit, and checked by their headers before anything is decoded."""

from __future__ import annotations

import io
import warnings
from typing import NamedTuple

from fastapi import HTTPException, Request
from PIL import Image
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException as AnyHTTPException

from .limits import MEGA, Limits

KINDS = ('JPEG', 'PNG', 'WEBP', 'BMP', 'TIFF', 'PPM', 'JPEG2000')
RAW = ('image/', 'application/octet-stream')
FORM = 'multipart/form-data'
TOO_LARGE, WRONG_TYPE, UNUSABLE = 413, 415, 422


class Upload(NamedTuple):
    """An image as it came.

    Attributes:
        name: Its name, for people.
        content: The file.
    """

    name: str
    content: bytes


async def read_uploads(request: Request, limits: Limits) -> list[Upload]:
    """The images of a request: its body, or the files of a form.

    Raises:
        HTTPException: 413 for too much, 415 for what is not an image, 422 for a request without images.
    """
    kind = request.headers.get('content-type', '').partition(';')[0].strip().lower()
    length = request.headers.get('content-length', '')
    _check_bytes(int(length) if length.isdigit() else 0, limits)
    if kind == FORM:
        uploads = await _read_form(request, limits)
    elif kind.startswith(RAW):
        uploads = [Upload('image', await _read_body(request, limits))]
    else:
        sent = f'the request has content-type {kind!r}' if kind else 'the request has no content-type'
        raise HTTPException(
            WRONG_TYPE,
            f'{sent}: send an image as the body, with image/jpeg or the like, or files of a form ({FORM}).',
        )
    for upload in uploads:
        check_image(upload, limits)
    return uploads


def _check_bytes(number: int, limits: Limits) -> None:
    if number > limits.max_bytes:
        raise HTTPException(
            TOO_LARGE, f'The request is larger than {limits.max_bytes / MEGA:g} MB: send smaller files.'
        )


async def _read_body(request: Request, limits: Limits) -> bytes:
    parts, number = [], 0
    async for part in request.stream():
        number += len(part)
        _check_bytes(number, limits)
        parts.append(part)
    return b''.join(parts)


async def _read_form(request: Request, limits: Limits) -> list[Upload]:
    """The files of a form, read by Starlette from a body that is limited on the way."""
    body = await _read_body(request, limits)
    sent = [{'type': 'http.request', 'body': body, 'more_body': False}]

    async def receive() -> dict:
        return sent.pop() if sent else {'type': 'http.disconnect'}

    whole = Request(request.scope, receive)
    try:
        form = await whole.form(max_files=limits.max_images, max_fields=0)
    except AnyHTTPException as error:
        raise HTTPException(UNUSABLE, _about_form(str(error.detail), limits)) from None
    files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    uploads = [Upload(file.filename or f'image {i}', await file.read()) for i, file in enumerate(files)]
    await form.close()
    if not uploads:
        raise HTTPException(UNUSABLE, 'The form has no files: send images as files.')
    return uploads


def _about_form(reason: str, limits: Limits) -> str:
    if 'Too many files' in reason:
        return f'The form has more than {limits.max_images} files: send them in several requests.'
    if 'Too many fields' in reason:
        return 'The form has a field that is not a file: settings are query parameters, as ?task=panoptic.'
    return f'The form cannot be read: {reason}'


def check_image(upload: Upload, limits: Limits) -> None:
    """Check kind and size of an image by its header.

    Raises:
        HTTPException: 415 for what is not an image of the known kinds, 413 for too many pixels.
    """
    kinds = ', '.join(KINDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(upload.content), formats=KINDS) as image:
                width, height = image.size
    except Image.DecompressionBombError:
        raise HTTPException(TOO_LARGE, _too_many(upload.name, 'far too many', limits)) from None
    except Exception:  # Pillow raises what it likes for damaged headers
        raise HTTPException(
            WRONG_TYPE, f'{upload.name} is not an image that can be read: expected one of {kinds}.'
        ) from None
    if width * height > limits.max_pixels:
        raise HTTPException(TOO_LARGE, _too_many(upload.name, f'{width}x{height}', limits))


def _too_many(name: str, size: str, limits: Limits) -> str:
    return f'{name} has {size} pixels, more than the {limits.max_pixels / MEGA:g} million that are accepted.'
