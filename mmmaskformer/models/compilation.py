"""``torch.compile`` of the parts of a segmentor that gain by it."""

from __future__ import annotations

from typing import Any


def compile_parts(model: Any, options: dict[str, Any]) -> None:
    """``torch.compile`` of backbone and decoders; targets, matching and losses, whose sizes vary, stay out.

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
