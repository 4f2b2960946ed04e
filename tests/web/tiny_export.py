"""An exported directory with a network of one convolution, for the page's own behavior."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

CLASSES = ['sky', 'road', 'car', 'person']
# Each query is sure of its class; its mask is where its color is: blue, gray, red, green.
MASK_WEIGHTS = np.array([[-1, -1, 2], [0.3, 0.3, 0.3], [2, -1, -1], [-1, 2, -1]], np.float32) / 8


def write_tiny_model(folder: Path, tasks: tuple[str, ...] = ('semantic', 'panoptic')) -> Path:
    """Write model.onnx and metadata.json; returns the folder."""
    folder.mkdir(parents=True)
    save(_model(), folder / 'model.onnx')
    (folder / 'metadata.json').write_text(json.dumps(_metadata(tasks)))
    return folder


def _model():
    kernel = np.zeros((len(CLASSES), 3, 4, 4), np.float32)
    kernel[:] = MASK_WEIGHTS[..., None, None] / 16  # the mean of a patch
    class_logits = 8 * np.eye(len(CLASSES), len(CLASSES) + 1, dtype=np.float32)[None]
    nodes = [
        helper.make_node('Cast', ['image'], ['floats'], to=TensorProto.FLOAT),
        helper.make_node('Transpose', ['floats'], ['channels_first'], perm=[0, 3, 1, 2]),
        helper.make_node(
            'Conv', ['channels_first', 'kernel'], ['similar'], strides=[4, 4], kernel_shape=[4, 4]
        ),
        helper.make_node('Sub', ['similar', 'bias'], ['mask_logits']),
        helper.make_node('Identity', ['classes'], ['class_logits']),
    ]
    constants = dict(kernel=kernel, bias=np.full((1, 1, 1, 1), 10, np.float32), classes=class_logits)
    graph = helper.make_graph(
        nodes,
        'tiny',
        [helper.make_tensor_value_info('image', TensorProto.UINT8, [1, 'H', 'W', 3])],
        [
            helper.make_tensor_value_info('class_logits', TensorProto.FLOAT, [1, 4, 5]),
            helper.make_tensor_value_info('mask_logits', TensorProto.FLOAT, [1, 4, 'h', 'w']),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=10)


def _metadata(tasks: tuple[str, ...]) -> dict:
    return dict(
        format_version=1,
        format='onnx',
        file='model.onnx',
        head='MaskFormerHead',
        kind='mask',
        tasks=tasks,
        classes=CLASSES,
        colors=[[70, 130, 180], [128, 64, 128], [0, 0, 142], [220, 20, 60]],
        things=[False, False, True, True],
        ignore_index=255,
        mask_stride=None,
        input=dict(
            name='image',
            size=None,
            size_divisor=4,
            resize=dict(rule='within', scale=[64, 48]),
            fill=[0, 0, 0],
        ),
        postprocess=dict(
            semantic=dict(function='scores', before=False),
            panoptic=dict(function='maskformer', score_thr=0.5, overlap_thr=0.5, mask_thr=0.0),
        ),
        precision='fp32',
        license='Apache-2.0',
        source=dict(config='configs/tiny.py'),
    )
