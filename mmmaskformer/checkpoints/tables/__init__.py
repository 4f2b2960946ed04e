"""Rename tables of foreign checkpoints, one file for each code base.

A checkpoint of a new system (another model, another code base) becomes readable by adding one file here. No
other file refers to it by name. The file defines ``FORMATS``, the formats of that code base::

    from ..rules import Format, Rule

    SOME_MODEL = [
        Rule('encoder.layer{i+1}.', 'backbone.layer{i+1}.'),
        Rule('decoder.queries.', 'decode_head.transformer_decoder.query_embed.'),
        Rule('criterion.', None),  # dropped on purpose
    ]
    FORMATS = [Format('Some Model', marks=('decoder.queries.',), rules=SOME_MODEL)]

A table names every tensor: a tensor that no rule knows is an error, and so is a tensor of the model that the
checkpoint lacks. The same table is read backwards where models are exported (`restore`).

Of several formats whose marks occur in a checkpoint, the one with the longest mark counts. So a format whose
names extend those of another one needs a mark of what it adds: ``sem_seg_head.predictor.level_embed.`` for a
model whose other tensors begin with ``sem_seg_head.``, as the official MaskFormer's do.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection

from ..rules import Format, Rule

OURS = Format('mmmaskformer', ('decode_head.',), [Rule('', '')], ours=True)
_MODULES = [importlib.import_module(f'{__name__}.{module.name}') for module in pkgutil.iter_modules(__path__)]
FORMATS: list[Format] = [OURS, *(found for module in _MODULES for found in module.FORMATS)]


def recognize(names: Collection[str]) -> Format | None:
    """The format of a checkpoint with these tensor names, None if it is none of those known."""
    marks = {mark: known for known in FORMATS for mark in known.marks}
    present = [mark for mark in marks if any(name.startswith(mark) for name in names)]
    return marks[max(present, key=len)] if present else None
