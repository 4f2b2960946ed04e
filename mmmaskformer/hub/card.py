"""The model card: what is known of a model, and what is not."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import yaml

from ..version import __version__
from .facts import UNKNOWN, Metrics

SHOWN_CLASSES = 200


class Subject(NamedTuple):
    """What a card is about.

    Attributes:
        repo: ``ORG/NAME``.
        system: The decode head, in words.
        backbone: Type of the backbone.
        tasks: Results it gives.
        classes: Names of the classes.
        parameters: Their number.
        license: Identifier of the license, None if it is not stated.
        data: See `data_of`.
        recipe: See `recipe_of`.
        metrics: See `metrics_of`.
        precision: ``'float32'`` or ``'float16'``.
        figure: File of an example in the folder, None without one.
    """

    repo: str
    system: str
    backbone: str
    tasks: Sequence[str]
    classes: Sequence[str]
    parameters: int
    license: str | None
    data: Mapping[str, str]
    recipe: Mapping[str, str]
    metrics: Metrics | None
    precision: str = 'float32'
    figure: str | None = None


def write_card(subject: Subject) -> str:
    """The text of ``README.md``."""
    parts = [
        f'---\n{yaml.safe_dump(_header(subject), sort_keys=False, allow_unicode=True)}---',
        f'# {subject.repo.rpartition("/")[2]}',
        _summary(subject),
        *([f'![Prediction over an image]({subject.figure})'] if subject.figure else []),
        '## Use',
        _snippet(subject),
        '## Scores',
        _scores(subject.metrics),
        '## Data',
        _table(subject.data),
        '## Training',
        f'{_table(subject.recipe)}\n\nAll settings are in `config.py`.',
        f'## Classes\n\n{_class_list(subject.classes)}',
        f'## License\n\n{_license(subject.license)}',
    ]
    return '\n\n'.join(parts) + '\n'


def _header(subject: Subject) -> dict[str, Any]:
    header: dict[str, Any] = dict(library_name='mmmaskformer', pipeline_tag='image-segmentation')
    if subject.license:
        header['license'] = subject.license
    header['tags'] = [
        'mmmaskformer',
        'image-segmentation',
        *(f'{task}-segmentation' for task in subject.tasks),
    ]
    if subject.metrics:
        header['model-index'] = [_index_entry(subject, subject.metrics)]
    return header


def _index_entry(subject: Subject, metrics: Metrics) -> dict[str, Any]:
    """Scores as the hub lists them; the data set has the name that the config has for it."""
    name = subject.data.get('Test' if metrics.source.startswith('test') else 'Validation', UNKNOWN)
    scores = [dict(type=title, value=round(value, 2), name=title) for title, value in metrics.values.items()]
    task = dict(type='image-segmentation')
    dataset = dict(name=name.replace('`', ''), type='other')
    return dict(
        name=subject.repo.rpartition('/')[2], results=[dict(task=task, dataset=dataset, metrics=scores)]
    )


def _summary(subject: Subject) -> str:
    return (
        f'{subject.system} with the backbone {subject.backbone}: {" and ".join(subject.tasks)} segmentation '
        f'of {len(subject.classes)} classes, {subject.parameters / 1e6:.1f} million parameters, stored as '
        f'{subject.precision}. Written by mmmaskformer {__version__}.'
    )


def _snippet(subject: Subject) -> str:
    extras = 'lite,hub,timm' if 'TIMM' in subject.backbone else 'lite,hub'
    return (
        f"```bash\npip install 'mmmaskformer[{extras}]'\n"
        f'mmmaskformer predict photos --weights hf://{subject.repo}\n```\n\n'
        '```python\nfrom mmmaskformer.apis import MaskFormerInferencer\n\n'
        f"inferencer = MaskFormerInferencer.from_pretrained('{subject.repo}')\n"
        "(result,) = inferencer('street.jpg')\n"
        'print(result.classes)\n```'
    )


def _scores(metrics: Metrics | None) -> str:
    if metrics is None:
        return 'Not known: no evaluation of this checkpoint was found beside it.'
    rows = {title: f'{value:.2f}' for title, value in metrics.values.items()}
    return f'{_table(rows)}\n\nPercent, on {metrics.source}, as the log of the training has them.'


def _table(rows: Mapping[str, str]) -> str:
    return '\n'.join(['| | |', '|-|-|', *(f'| {name} | {_cell(value)} |' for name, value in rows.items())])


def _cell(text: str) -> str:
    return ' '.join(text.replace('|', '\\|').split())


def _class_list(classes: Sequence[str]) -> str:
    named = ', '.join(json.dumps(name, ensure_ascii=False).strip('"') for name in classes[:SHOWN_CLASSES])
    more = (
        f' and {len(classes) - SHOWN_CLASSES} more, in `config.json`' if len(classes) > SHOWN_CLASSES else ''
    )
    return f'{named}{more}.'


def _license(license_name: str | None) -> str:
    if license_name:
        return f'{license_name}, as stated with the upload; the data have a license of their own.'
    return 'Not stated with the upload: ask before you use the weights. The data have a license of their own.'
