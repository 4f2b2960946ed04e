"""Runs a graph: onnxruntime, or OpenVINO."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Session(Protocol):
    """A graph that is ready to run."""

    def run(self, outputs: Sequence[str], image: NDArray[np.uint8]) -> list[NDArray[Any]]:
        """The named outputs for ``(N, H, W, 3)`` uint8 RGB."""


class OnnxSession:
    """A graph in onnxruntime.

    Args:
        path: The file.
        providers: Execution providers, best first; None runs on the CPU.
        threads: Number of threads; None leaves it to onnxruntime.

    Raises:
        ImportError: onnxruntime is not installed.
        ValueError: A provider is not available.
    """

    def __init__(
        self, path: Path, providers: Sequence[Any] | None = None, threads: int | None = None
    ) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise ImportError(f'{path.name} needs onnxruntime: pip install onnxruntime ({error}).') from error
        chosen = list(providers or ['CPUExecutionProvider'])
        available = onnxruntime.get_available_providers()
        missing = [name for name in map(_name, chosen) if name not in available]
        if missing:
            raise ValueError(
                f'This onnxruntime has no {missing[0]}, but {", ".join(available)}: install the package that '
                'has it (onnxruntime-gpu for CUDA and TensorRT), or leave it out of providers.'
            )
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        if threads is not None:
            options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(str(path), options, providers=chosen)
        self._options = onnxruntime.RunOptions()
        self._options.only_execute_path_to_fetches = True

    def run(self, outputs: Sequence[str], image: NDArray[np.uint8]) -> list[NDArray[Any]]:
        """See `Session`."""
        return self._session.run(list(outputs), {'image': image}, self._options)


class OpenVinoSession:
    """A graph in OpenVINO.

    Args:
        path: The file.
        providers: Must be None.
        threads: Number of threads; None leaves it to OpenVINO.

    Raises:
        ImportError: OpenVINO is not installed.
        ValueError: Providers are given.
    """

    def __init__(
        self, path: Path, providers: Sequence[Any] | None = None, threads: int | None = None
    ) -> None:
        if providers is not None:
            raise ValueError(
                f'providers are for ONNX graphs, but {path.name} runs in OpenVINO: leave them out.'
            )
        try:
            import openvino
        except ImportError as error:
            raise ImportError(f'{path.name} needs OpenVINO: pip install openvino ({error}).') from error
        # without the hint, a CPU with bfloat16 would round to it
        settings: dict[str, Any] = dict(INFERENCE_PRECISION_HINT='f32', PERFORMANCE_HINT='LATENCY')
        if threads is not None:
            settings['INFERENCE_NUM_THREADS'] = threads
        self._model = openvino.Core().compile_model(str(path), 'CPU', settings)

    def run(self, outputs: Sequence[str], image: NDArray[np.uint8]) -> list[NDArray[Any]]:
        """See `Session`."""
        results = self._model.create_infer_request().infer({'image': image})
        return [np.array(results[self._model.output(name)]) for name in outputs]


def open_session(
    path: Path, providers: Sequence[Any] | None = None, threads: int | None = None
) -> OnnxSession | OpenVinoSession:
    """The session for a file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: No session runs such files.
    """
    if not path.is_file():
        raise FileNotFoundError(f'The model {path} does not exist: export it again.')
    kinds: dict[str, type[OnnxSession] | type[OpenVinoSession]] = {
        '.onnx': OnnxSession,
        '.xml': OpenVinoSession,
    }
    if path.suffix not in kinds:
        raise ValueError(
            f'{path.name} does not run here: load it with torch.export.load({str(path)!r}).module(), or '
            'export with --to onnx or openvino.'
        )
    return kinds[path.suffix](path, providers, threads)


def _name(provider: Any) -> str:
    return provider if isinstance(provider, str) else provider[0]
