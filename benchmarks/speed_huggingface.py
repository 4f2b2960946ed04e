"""Ours beside HuggingFace's MaskFormer, which runs in an environment of its own and is asked in turns."""

from __future__ import annotations

import json
import statistics
import subprocess
from functools import partial
from pathlib import Path

import torch
from measure import peak_memory, seconds_of
from peers import build_pair
from speed_prediction import label_map
from speed_training import semantic_batch, training_step

WARM_UP = 2
CPU = torch.device('cpu')  # where the worker's model is


def rows(repeats: int, python: str) -> list[dict]:
    """Rows as of ``measure.compare``, on the CPU.

    Args:
        repeats: Timed pairs.
        python: Interpreter of an environment with torch and transformers.
    """
    worker = Path(__file__).with_name('huggingface_worker.py')
    with subprocess.Popen([python, worker], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as peer:
        if peer.stdout is None or not peer.stdout.readline():
            raise ValueError(f'{python} did not start HuggingFace: it needs torch and transformers')
        ours = build_pair('Swin-T')[0]
        image = torch.randint(0, 256, (3, 512, 512), dtype=torch.uint8)
        batch = semantic_batch(512, images=2, classes=9)
        found = [
            _compare('training step', 'train', partial(_train, ours, batch), peer, repeats),
            _compare('image to label map', 'predict', partial(_predict, ours, image), peer, repeats),
        ]
        peer.stdin.close()
    return found


def _train(model: torch.nn.Module, batch: dict) -> None:
    training_step(model.train(), batch)


def _predict(model: torch.nn.Module, image: torch.Tensor) -> None:
    label_map(model.eval(), image)


def _ask(peer: subprocess.Popen, question: str) -> float:
    print(question, file=peer.stdin, flush=True)
    return json.loads(peer.stdout.readline())


def _compare(work: str, name: str, ours: partial, peer: subprocess.Popen, repeats: int) -> dict:
    pairs = [(seconds_of(ours, CPU), _ask(peer, name)) for _ in range(WARM_UP + repeats)][WARM_UP:]
    memory = peak_memory(ours, CPU), _ask(peer, f'{name} memory')
    return dict(
        work=work,
        case='Swin-T, 512x512, HuggingFace (without deep supervision)',
        ours_seconds=statistics.median(pair[0] for pair in pairs),
        peer_seconds=statistics.median(pair[1] for pair in pairs),
        time_ratio=statistics.median(pair[0] / pair[1] for pair in pairs),
        ours_mib=memory[0],
        peer_mib=memory[1],
        memory_ratio=memory[0] / memory[1],
    )
