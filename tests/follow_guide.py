"""Follows docs/own_data.md to the letter: ``python tests/follow_guide.py GUIDE``, in a folder with its data.

Python blocks become the files their first lines name; each line of the bash blocks is run, in order, in this
one process. Only the surroundings are made small: networks are thin, images are small, training ends after
two iterations, and what would be downloaded is made here, with random weights.
"""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, ConfigDict

import mmmaskformer  # noqa: F401
from mmmaskformer.checkpoints import build_model
from mmmaskformer.checkpoints.exporting import write_official
from mmmaskformer.zoo import read_models

ROOT = Path(__file__).resolve().parents[1]
WIDTH = 8
SMALL = {
    'Resize': dict(scale=(240, 96)),
    'RandomChoiceResize': dict(scales=[96]),
    'RandomCrop': dict(crop_size=(96, 96)),
    'mmdet.RandomCrop': dict(crop_size=(60, 90)),
    'Pad': dict(size=(96, 96)),
}
read_config = Config.fromfile


def blocks(guide: Path, language: str) -> list[str]:
    """The fenced blocks of a language in a Markdown file."""
    return re.findall(rf'^```{language}\n(.*?)^```$', guide.read_text(), re.M | re.S)


def parts(value: Any) -> Iterator[dict]:
    """All dicts in a config."""
    if isinstance(value, dict):
        yield value
    for child in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    ):
        yield from parts(child)


def read_small(*args: Any, **kwargs: Any) -> Config:
    """`Config.fromfile`, and then everything small."""
    config = read_config(*args, **kwargs)
    model = config.get('model')
    if model:
        model.backbone.update(stem_channels=WIDTH, base_channels=WIDTH)
        head = model.decode_head
        head.in_channels = [4 * WIDTH * 2**stage for stage in range(4)]
        pixels = head.setdefault('pixel_decoder', ConfigDict(type='mmmaskformer.FPNPixelDecoder'))
        pixels.update(channels=32, mask_channels=32)
        head.transformer_decoder = ConfigDict(
            type='mmmaskformer.MaskFormerTransformerDecoder', channels=32, num_layers=1, ffn_channels=32
        )
        config.train_cfg.update(max_iters=2, val_interval=2)
    for phase in ('train', 'val', 'test'):
        dataloader = config.get(f'{phase}_dataloader', {})
        if 'num_workers' in dataloader:
            dataloader.update(num_workers=0, persistent_workers=False)
        for part in parts(dataloader):
            part.update(SMALL.get(part.get('type'), {}))
    return config


def download(url: str, destination: str, **kwargs: Any) -> None:
    """A file in place of a download: the model that metafiles have at this address, with random weights."""
    entries = [model for models in read_models(ROOT).values() for model in models]
    (entry,) = (model for model in entries if model.get('Weights') == url)
    config = read_small(ROOT / entry['Config'])
    config.model.backbone.init_cfg = None
    write_official(build_model(config), destination)


def run(line: str) -> None:
    """Run one line of a bash block; what it starts with ``python`` runs in this process."""
    if line.startswith('mmmaskformer '):  # tests/own_data follow it
        return
    print(f'$ {line}', flush=True)
    expanded = subprocess.run(
        ['bash', '-c', f'printf "%s\\n" {line}'], capture_output=True, text=True, check=True
    )
    program, script, *arguments = expanded.stdout.splitlines()
    assert program == 'python', f'{line}: only python is followed'
    sys.argv = [script, *arguments]
    sys.path[0] = os.path.dirname(script)
    try:
        runpy.run_path(script, run_name='__main__')
    except SystemExit as end:
        if end.code:
            raise RuntimeError(f'{line}: {end.code}') from end


def main(guide: Path) -> None:
    Config.fromfile = read_small
    torch.hub.download_url_to_file = download
    for code in blocks(guide, 'python'):
        (name,) = re.findall(r'^# (\w+\.py)\n', code)
        Path(name).write_text(code)
    for block in blocks(guide, 'bash'):
        for line in block.splitlines():
            run(line)


if __name__ == '__main__':
    main(Path(sys.argv[1]))
