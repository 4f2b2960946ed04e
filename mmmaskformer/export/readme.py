"""The README of an exported model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

PYTHON = """from mmmaskformer.runtime import Segmenter  # pip install mmmaskformer-runtime

result = Segmenter('{folder}')('image.jpg')
print([(segment.name, segment.area) for segment in result.found])
"""
TORCH = """import torch

model = torch.export.load('{folder}/{file}').module()
outputs = model(image)  # uint8 (N, H, W, 3), RGB
"""


def write_readme(folder: Path, metadata: Mapping[str, Any]) -> None:
    """Write ``README.md``."""
    size, batch = metadata['input']['size'], metadata['input']['batch']
    code = (TORCH if metadata['format'] == 'torch' else PYTHON).format(
        folder=folder.name, file=metadata['file']
    )
    sizes = 'any size' if size is None else f'{size[0]}x{size[1]} pixels (height x width)'
    number = 'any number of images' if batch is None else f'{batch} at a time'
    lines = [
        f'# {metadata["head"]}, {len(metadata["classes"])} classes: {", ".join(metadata["tasks"])}',
        '',
        f'`{metadata["file"]}` ({metadata["precision"]}) takes `image`, uint8 RGB (N, H, W, 3), of {sizes}, '
        f'{number}, resized as `metadata.json` says.',
        '',
        '```python',
        code.rstrip(),
        '```',
        '',
        f'License: {metadata["license"]}. Made by mmmaskformer {metadata["source"]["mmmaskformer"]}.',
    ]
    (folder / 'README.md').write_text('\n'.join(lines) + '\n', encoding='utf-8')
