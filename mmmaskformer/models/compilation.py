"""``torch.compile`` of the parts of a segmentor that gain by it."""

from __future__ import annotations

from typing import Any

import torch

GRAPH_MODES = {'reduce-overhead', 'max-autotune'}


def compile_parts(model: Any, options: dict[str, Any]) -> None:
    """``torch.compile`` of backbone and decoders; targets, matching and losses, whose sizes vary, stay out.

    With CUDA graphs (``mode='reduce-overhead'``) the parts share memory during a step, whose beginning is
    marked: without a mark, each part is a step, and may overwrite what the part before it wrote.

    Args:
        model: A segmentor.
        options: Of ``torch.compile``: ``backend``, ``dynamic``, ``mode`` ...
    """
    head = model.decode_head
    parts = [
        model.backbone,
        *(getattr(head, name, None) for name in ('pixel_decoder', 'encoder', 'transformer_decoder')),
    ]
    for part in parts:
        if part is not None:
            part.compile(**options)
    if options.get('mode') in GRAPH_MODES:
        model.register_forward_pre_hook(_begin_step)


@torch.compiler.disable
def _begin_step(*_: Any) -> None:
    """What graphs wrote in the step before may be overwritten."""
    torch.compiler.cudagraph_mark_step_begin()
