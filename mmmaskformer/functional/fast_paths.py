"""Where the fast paths are switched: each replaces a plain function, in the file that has its name.

| switch | file | what it replaces |
|-|-|-|
| ``folded_convolution`` | functional/folded_convolution.py | mask features, and then their products |
| ``nchw_weight_gradients`` | functional/nchw_weight_gradients.py | weight gradients in channels last |
| ``in_place_upsampling`` | functional/in_place_upsampling.py | upsampling a pyramid level, and then the sum |
| ``deformable_bags`` | functional/deformable_bags.py | samples of deformable attention, on CPUs |
| ``deformable_operator`` | models/layers/deformable_operator.py | the same, on CUDA with the full mmcv |
| ``bands`` | functional/label_map_by_bands.py, functional/resizing.py | resizing whole maps |
| ``class_bounds`` | functional/label_map_by_bands.py | the scores of classes that cannot be the highest |
| ``cross_entropy_by_bands`` | functional/cross_entropy_by_bands.py | upsampling logits, then cross entropy |
| ``axial_chunks`` | models/layers/axial_attention.py | the scores of all rows, or columns, of an image |
| ``attention_kernel`` | models/layers/dual_path_layer.py | attention whose scores are normed |
| ``vectorized_argmax`` | functional/semantic_inference.py | ``argmax`` over the first dimension |
| ``fused_mask_losses`` | functional/fused_mask_losses.py | mask losses, on CUDA with Triton |

Results are equal to rounding. No fast path runs while a graph is recorded (``torch.jit.trace``,
``torch.export``, the ONNX exporter, ``torch.compile``): the graph must serve inputs of other sizes and
values. The memory format of convolutions is a setting of the model (models/memory_format.py), as are gradient
checkpointing and compilation.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

SWITCHES = dict(
    folded_convolution=True,
    nchw_weight_gradients=True,
    in_place_upsampling=True,
    deformable_bags=True,
    deformable_operator=True,
    bands=True,
    class_bounds=True,
    cross_entropy_by_bands=True,
    axial_chunks=True,
    attention_kernel=True,
    vectorized_argmax=True,
    fused_mask_losses=True,
)

# before torch 2.3 the function was in torch._dynamo alone, which is slow to import
is_compiling = getattr(torch.compiler, 'is_compiling', None) or torch._dynamo.is_compiling


def recording() -> bool:
    """Whether operations are recorded as a graph: by a tracer, an exporter or a compiler."""
    return torch.jit.is_tracing() or is_compiling()


def fast_path(name: str) -> bool:
    """Whether a fast path may run."""
    return SWITCHES[name] and not recording()


@contextmanager
def plain_functions() -> Iterator[None]:
    """Switch all fast paths off, to compare results.

    Example:
        >>> with plain_functions():
        ...     fast_path('bands')
        False
    """
    before = dict(SWITCHES)
    SWITCHES.update(dict.fromkeys(SWITCHES, False))
    try:
        yield
    finally:
        SWITCHES.update(before)
