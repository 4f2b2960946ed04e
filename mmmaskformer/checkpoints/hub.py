"""Models of the Hugging Face hub: ``hf://ORG/NAME``, downloaded into the hub's cache and checked.

Weights come as safetensors, which hold no code. A pickle is read only where its file is named, as
``hf://ORG/NAME/pytorch_model.bin``, and then by the allow-list of `reading`. The package huggingface_hub is
imported when it is needed; its cache and its variables (``HF_HOME``, ``HF_ENDPOINT``, ``HF_HUB_OFFLINE``,
``HF_TOKEN``) count.
"""

from __future__ import annotations

import hashlib
import importlib
import re
from pathlib import Path
from typing import Any, NamedTuple

from .hub_errors import naming_the_model

PREFIX = 'hf://'
SETTINGS = ('config.json', 'preprocessor_config.json', 'config.py')
WEIGHTS = ('model.safetensors', 'model.safetensors.index.json')
WANTED = [*SETTINGS, *WEIGHTS, 'model-*-of-*.safetensors']
PICKLES = ('.bin', '.pth', '.pt', '.pkl', '.ckpt')
_NAME = r'[\w.-]+/[\w.-]+'
ADDRESS = re.compile(
    rf'hf://(?P<repo>{_NAME})(?:@(?P<revision>refs/(?:pr|convert)/\w+|[^/@]+))?(?:/(?P<file>.+))?'
)
CHUNK = 2**20


class HubAddress(NamedTuple):
    """A model, or one file, on the hub.

    Attributes:
        repo: ``ORG/NAME``.
        revision: Branch, tag or commit; None for the main branch.
        file: Path of a file; None for the whole model.
    """

    repo: str
    revision: str | None = None
    file: str | None = None

    def __str__(self) -> str:
        revision = '' if self.revision is None else f'@{self.revision}'
        return f'{PREFIX}{self.repo}{revision}{"" if self.file is None else f"/{self.file}"}'


def parse_address(text: str) -> HubAddress:
    """The parts of ``hf://ORG/NAME``, ``hf://ORG/NAME@REVISION`` or ``hf://ORG/NAME@REVISION/FILE``.

    Raises:
        ValueError: It is not of this form.

    Example:
        >>> parse_address('hf://facebook/maskformer-swin-tiny-ade@main').revision
        'main'
    """
    found = ADDRESS.fullmatch(text.rstrip('/'))
    if found is None:
        raise ValueError(
            f'{text} is not the address of a model: expected hf://ORG/NAME, hf://ORG/NAME@REVISION or '
            'hf://ORG/NAME/FILE.'
        )
    return HubAddress(**found.groupdict())


def model_on_hub(name: str, revision: str | None = None) -> HubAddress:
    """The address of ``ORG/NAME``, with or without ``hf://`` before it.

    Raises:
        ValueError: It is not of this form.
    """
    address = parse_address(name if name.startswith(PREFIX) else PREFIX + name)
    return address if revision is None else address._replace(revision=revision)


def download(
    address: HubAddress | str,
    cache_dir: str | Path | None = None,
    token: str | bool | None = None,
    local_files_only: bool = False,
) -> Path:
    """Download a model, or take it from the cache, and compare its files with their checksums.

    Args:
        address: The model, or one file of it.
        cache_dir: Where to; None takes the hub's own cache.
        token: None takes the one that is logged in, or ``HF_TOKEN``.
        local_files_only: Do not use the network.

    Returns:
        The folder with ``model.safetensors`` (or its parts) and the config; of an address with a file, the
        file.

    Raises:
        ValueError: huggingface_hub is not installed; the model does not exist, cannot be reached, has no
            safetensors, or is damaged.
    """
    address = parse_address(address) if isinstance(address, str) else address
    hub = import_hub()
    options: dict[str, Any] = dict(
        revision=address.revision, cache_dir=cache_dir, token=token, local_files_only=local_files_only
    )
    with naming_the_model(address, hub, local_files_only):
        if address.file is not None:
            folder = Path(hub.hf_hub_download(address.repo, address.file, **options))
        else:
            folder = Path(hub.snapshot_download(address.repo, allow_patterns=WANTED, **options))
    if address.file is not None:
        _check(folder, address)
        return folder
    if not any((folder / name).is_file() for name in WEIGHTS):
        raise ValueError(_without_safetensors(address, hub, token, local_files_only))
    for name in _names(folder):
        _check(folder / name, address)
    return folder


def import_hub() -> Any:
    """The package huggingface_hub.

    Raises:
        ValueError: It is not installed.
    """
    try:
        for module in ('constants', 'errors'):  # earlier releases import them when asked to alone
            importlib.import_module(f'huggingface_hub.{module}')
        return importlib.import_module('huggingface_hub')
    except ImportError:
        raise ValueError(
            "Models of the hub need the package huggingface_hub: pip install 'mmmaskformer[hub]'"
        ) from None


def _names(folder: Path) -> list[str]:
    return sorted({path.name for pattern in WANTED for path in folder.glob(pattern)})


def _check(path: Path, address: HubAddress) -> None:
    """Compare a file with its checksum, the name of its content in the cache; remove what differs.

    Where the file system has no links, files lie in the cache under their own names, without checksums.

    Raises:
        ValueError: It differs.
    """
    content = path.resolve()
    expected = content.name
    if re.fullmatch('[0-9a-f]{64}', expected):
        found = _digest(content, hashlib.sha256())
    elif re.fullmatch('[0-9a-f]{40}', expected):  # small files are named as git names them
        found = _digest(content, hashlib.sha1(b'blob %d\0' % content.stat().st_size, usedforsecurity=False))
    else:
        return
    if found == expected:
        return
    path.unlink()
    content.unlink()
    raise ValueError(
        f'{address}: {path.name} is not what the hub announced (checksum {found[:12]}, expected '
        f'{expected[:12]}); the download was removed from the cache: try again.'
    )


def _digest(path: Path, digest: Any) -> str:
    with path.open('rb') as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _without_safetensors(address: HubAddress, hub: Any, token: Any, local_files_only: bool) -> str:
    """A sentence on a model without safetensors: what it has, and what to do."""
    if local_files_only or hub.constants.HF_HUB_OFFLINE:
        return f'{address} is not complete in the cache: load it once with a network.'
    with naming_the_model(address, hub, local_files_only):
        files = hub.HfApi(token=token).list_repo_files(address.repo, revision=address.revision)
    pickles = [name for name in files if name.endswith(PICKLES)]
    if not pickles:
        listed = ', '.join(files[:6]) or 'nothing'
        return f'{address} has no model.safetensors, so it cannot be loaded; it holds {listed}.'
    named = HubAddress(address.repo, address.revision, pickles[0])
    return (
        f'{address} has its weights as pickles alone ({", ".join(pickles[:3])}), which can hold code: take a '
        f'revision with model.safetensors (hf://{address.repo}@REVISION), or name the file, {named}, which '
        'is then read by an allow-list of tensors.'
    )
