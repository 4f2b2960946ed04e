"""Write a trained model for the hub, and upload it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import cv2
from mmengine.config import Config

from ..analysis.cost import count_parameters
from ..checkpoints.hub import HubAddress, import_hub, model_on_hub
from ..checkpoints.hub_errors import naming_the_model
from ..checkpoints.model_folder import write_model_folder
from ..inference import MaskFormerInferencer
from ..inference.settings import tasks_of
from ..own_data.trained_model import checkpoint_of
from .card import Subject, write_card
from .facts import data_of, meta_of_checkpoint, metrics_of, recipe_of, whole_config

CARD, FIGURE = 'README.md', 'example.jpg'


class Options(NamedTuple):
    """What the user says of a model, and how it is stored.

    Attributes:
        model: Config of a checkpoint that does not carry one: a file or a name.
        license: Identifier of the license of the weights, such as ``'apache-2.0'``; None: not stated.
        image: Image for an example figure, which will be public.
        half: Store matrices as float16.
    """

    model: str | Path | None = None
    license: str | None = None
    image: str | Path | None = None
    half: bool = False


def push_to_hub(
    source: str | Path,
    repo: str,
    options: Options | None = None,
    private: bool = False,
    revision: str | None = None,
    token: str | bool | None = None,
) -> str:
    """Upload a model to the Hugging Face hub, or to the server that ``HF_ENDPOINT`` names.

    The repository is created if needed; all files come in one commit.

    Args:
        source: Work dir of a training, of which the best checkpoint is taken, or a checkpoint.
        repo: ``ORG/NAME``.
        options: License, figure and precision.
        private: Create a private repository.
        revision: Branch; None for the main branch.
        token: None takes the one that is logged in, or ``HF_TOKEN``.

    Returns:
        Address of the model's page.

    Raises:
        FileNotFoundError: There is no checkpoint.
        ValueError: It cannot be loaded; or the hub cannot be reached, or refuses.

    Example:
        >>> push_to_hub('work_dirs/camvid', 'me/camvid', Options(license='apache-2.0'))
    """
    address = model_on_hub(repo, revision)
    hub = import_hub()
    with tempfile.TemporaryDirectory() as folder:
        write_for_hub(source, address.repo, folder, options)
        return _upload(Path(folder), address, hub, private, token)


def _upload(folder: Path, address: HubAddress, hub: Any, private: bool, token: str | bool | None) -> str:
    api = hub.HfApi(token=token)
    files = sorted(path for path in folder.iterdir() if path.is_file())
    additions = [hub.CommitOperationAdd(path_in_repo=path.name, path_or_fileobj=path) for path in files]
    with naming_the_model(address, hub):
        api.create_repo(address.repo, private=private, exist_ok=True)
        api.create_commit(
            address.repo,
            additions,
            commit_message='Upload a model of mmmaskformer',
            revision=address.revision,
        )
    return f'{hub.constants.ENDPOINT}/{address.repo}'


def write_for_hub(
    source: str | Path, repo: str, folder: str | Path, options: Options | None = None
) -> list[Path]:
    """Write the files that `push_to_hub` uploads: weights, config, card, and a figure if there is an image.

    Args:
        source: As `push_to_hub`.
        repo: As `push_to_hub`; the card names it.
        folder: Where to.
        options: As `push_to_hub`.

    Returns:
        The files.

    Raises:
        FileNotFoundError: There is no checkpoint, or no image.
        ValueError: It cannot be loaded.
    """
    options = options or Options()
    work_dir = Path(source) if Path(source).is_dir() else None
    checkpoint = checkpoint_of(source)
    training = meta_of_checkpoint(checkpoint)
    inferencer = MaskFormerInferencer(options.model, checkpoint, 'cpu')
    config = whole_config(inferencer.config, training, checkpoint)
    place = Path(folder)
    _write_weights(inferencer, config, repo, options, place)
    if options.image is not None:
        (result,) = inferencer(options.image)
        (place / FIGURE).write_bytes(cv2.imencode('.jpg', result.draw())[1].tobytes())
    facts = dict(
        data=data_of(config),
        recipe=recipe_of(config, training),
        metrics=metrics_of(work_dir, checkpoint),
        figure=None if options.image is None else FIGURE,
    )
    (place / CARD).write_text(write_card(_subject(inferencer, repo, options, facts)), encoding='utf-8')
    return sorted(place.iterdir())


def _write_weights(
    inferencer: MaskFormerInferencer, config: Config, repo: str, options: Options, folder: Path
) -> None:
    notes = {'mmmaskformer': repo, **({'license': options.license} if options.license else {})}
    model = inferencer.model
    write_model_folder(folder, model.state_dict(), config, model.dataset_meta, notes, options.half)


def _subject(inferencer: MaskFormerInferencer, repo: str, options: Options, facts: dict[str, Any]) -> Subject:
    model = inferencer.model
    return Subject(
        repo=repo,
        system=type(model.decode_head).__name__,
        backbone=type(model.backbone).__name__,
        tasks=tasks_of(inferencer.test_cfg),
        classes=inferencer.classes.names,
        parameters=count_parameters(model),
        license=options.license,
        precision='float16' if options.half else 'float32',
        **facts,
    )
