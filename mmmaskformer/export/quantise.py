"""8 bits for convolutions, calibrated on images: by onnxruntime, or by OpenVINO's NNCF.

Convolutions alone are quantized, with the activations behind them. The transformer decoder, the class
logits and the products of mask embeddings with pixels stay in floating point.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runtime.images import fill, prepared_size, read_rgb, resize_image
from .formats import quiet
from .packages import needed

SUFFIXES = ('.bmp', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp')
MOST_IMAGES = 128
OVERFLOW_FIX = 'enable'  # weights of 7 bits in all layers: NNCF's default protects the first one alone


def calibration_files(folder: str | Path) -> list[Path]:
    """Images below a folder, at most `MOST_IMAGES`, spread over all of them.

    Raises:
        FileNotFoundError: The folder does not exist, or holds no image.
    """
    found = sorted(path for path in Path(folder).rglob('*') if path.suffix.lower() in SUFFIXES)
    if not found:
        raise FileNotFoundError(f'{folder} holds no images to calibrate on: give a folder with about 100.')
    picked = np.linspace(0, len(found) - 1, min(len(found), MOST_IMAGES)).round().astype(int)
    return [found[index] for index in picked]


def calibration_inputs(folder: str | Path, settings: Mapping[str, Any]) -> Iterator[NDArray[np.uint8]]:
    """``(N, H, W, 3)`` uint8 of each image, as a graph takes it.

    Args:
        folder: See `calibration_files`.
        settings: ``input`` of the metadata.
    """
    for path in calibration_files(folder):
        image = read_rgb(path)
        resized = resize_image(image, prepared_size(image.shape[0], image.shape[1], settings))
        yield np.repeat(fill(resized, settings)[None], settings['batch'] or 1, 0)


def quantize_onnx(path: Path, folder: str | Path, settings: Mapping[str, Any]) -> None:
    """Replace an ONNX file by one whose convolutions take 8 bits.

    A convolution's output is rounded in the range that its ReLU or ReLU6 leaves, and the activation becomes
    part of the convolution: in its own, far wider range it cost 3 points of mIoU on CamVid. Weights are
    signed and have 7 bits: sums of products of 8 bits overflow on CPUs without VNNI.

    Args:
        path: The file.
        folder: See `calibration_files`.
        settings: ``input`` of the metadata.

    Raises:
        ImportError: onnxruntime is not installed.
    """
    quantization: Any = needed('onnxruntime.quantization', extra='export')
    reader = type('Reader', (quantization.CalibrationDataReader,), {'get_next': _next_of})()
    reader.inputs = iter({'image': image} for image in calibration_inputs(folder, settings))
    with quiet():
        quantization.quantize_static(
            str(path),
            str(path),
            reader,
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=['Conv', 'Clip', 'Relu'],
            per_channel=True,
            reduce_range=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            calibrate_method=quantization.CalibrationMethod.MinMax,
            extra_options=dict(CalibMovingAverage=True, QuantizeBias=True),
        )


def _next_of(reader: Any) -> dict[str, NDArray[np.uint8]] | None:
    return next(reader.inputs, None)


def quantize_openvino(onnx_path: Path, path: Path, folder: str | Path, settings: Mapping[str, Any]) -> None:
    """Write an OpenVINO model whose convolutions take 8 bits, from an ONNX file.

    Args:
        onnx_path: The ONNX file.
        path: The file to write.
        folder: See `calibration_files`.
        settings: ``input`` of the metadata.

    Raises:
        ImportError: OpenVINO or NNCF is not installed.
    """
    openvino: Any = needed('openvino', extra='openvino')
    nncf: Any = needed('nncf', extra='openvino')
    with quiet():
        model = openvino.convert_model(str(onnx_path))
        images = list(calibration_inputs(folder, settings))
        quantized = nncf.quantize(
            model,
            nncf.Dataset(images, lambda image: {'image': image}),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(images),
            ignored_scope=nncf.IgnoredScope(types=['MatMul', 'Add', 'Multiply'], validate=False),
            advanced_parameters=nncf.AdvancedQuantizationParameters(overflow_fix=OVERFLOW_FIX),
        )
        openvino.save_model(quantized, str(path), compress_to_fp16=False)
