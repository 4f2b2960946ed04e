"""Models for other programs: ONNX, torch.export and OpenVINO, which `mmmaskformer.runtime` runs."""

from .exporting import Settings, export_model

__all__ = ['Settings', 'export_model']
