"""Ours beside HuggingFace's models, which run in an environment of their own, asked in turns."""

from __future__ import annotations

import json
import statistics
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch
from measure import peak_memory, seconds_of
from mmengine.config import Config
from peers import build_mask2former, build_pair
from speed_prediction import label_map
from speed_training import semantic_batch, training_step

from mmmaskformer.checkpoints import build_model

ROOT = Path(__file__).resolve().parents[1]

WARM_UP = 2
CPU = torch.device('cpu')  # where the worker's model is


def rows(repeats: int, python: str) -> list[dict]:
    """Rows as of ``measure.compare``, on the CPU.

    Args:
        repeats: Timed pairs.
        python: Interpreter of an environment with torch and transformers.
    """
    return [
        *_maskformer_rows(repeats, python),
        *_mask2former_rows(repeats, python),
        *_detr_rows(repeats, python),
    ]


@contextmanager
def _worker(name: str, python: str) -> Iterator[subprocess.Popen]:
    command = [python, Path(__file__).with_name('huggingface_worker.py'), name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as peer:
        if peer.stdout is None or peer.stdin is None or not peer.stdout.readline():
            raise ValueError(f'{python} did not start HuggingFace: it needs torch and transformers')
        yield peer
        peer.stdin.close()


def _maskformer_rows(repeats: int, python: str) -> list[dict]:
    case = 'Swin-T, 512x512, HuggingFace (without deep supervision)'
    with _worker('maskformer', python) as peer:
        ours = build_pair('Swin-T')[0]
        image = torch.randint(0, 256, (3, 512, 512), dtype=torch.uint8)
        batch = semantic_batch(512, images=2, classes=9)
        return [
            _compare('training step', case, 'train', partial(_train, ours, batch), peer, repeats),
            _compare('image to label map', case, 'predict', partial(_predict, ours, image), peer, repeats),
        ]


def _mask2former_rows(repeats: int, python: str) -> list[dict]:
    """A step with 9 segments per image; an image to its label map."""
    ours, case = build_mask2former('ours'), 'Mask2Former R50, {}, HuggingFace'
    ours.test_cfg = dict(mode='whole', seg_logits=False)
    with _worker('mask2former', python) as peer:
        image = torch.randint(0, 256, (3, 800, 1216), dtype=torch.uint8)
        batch = semantic_batch(512, images=2, classes=9, num_classes=133)
        train, predict = partial(_train, ours, batch), partial(_predict, ours, image)
        return [
            _compare('training step', case.format('2 x 512x512'), 'train', train, peer, repeats),
            _compare('image to label map', case.format('800x1216'), 'predict', predict, peer, repeats),
        ]


def _detr_rows(repeats: int, python: str) -> list[dict]:
    """The masks of all 100 queries, as HuggingFace computes them; and a step with 9 segments per image."""
    config = Config.fromfile(ROOT / 'configs/detr/detr_r50_8xb8-46k_coco-panoptic.py')
    config.model.decode_head.frozen_detector, config.model.backbone.frozen_stages = False, 1
    ours, case = build_model(config), 'DETR R50, {}, HuggingFace'
    with _worker('detr', python) as peer:
        image = torch.randn(1, 3, 800, 1216)
        batch = semantic_batch(512, images=2, classes=9, num_classes=133)
        train, predict = partial(_train, ours, batch), partial(_all_masks, ours, image)
        return [
            _compare('training step', case.format('512x512'), 'train', train, peer, repeats),
            _compare('image to 100 masks', case.format('800x1216'), 'predict', predict, peer, repeats),
        ]


@torch.no_grad()
def _all_masks(model: torch.nn.Module, image: torch.Tensor) -> None:
    model.eval()(image, mode='tensor')


def _train(model: torch.nn.Module, batch: dict) -> None:
    training_step(model.train(), batch)


def _predict(model: torch.nn.Module, image: torch.Tensor) -> None:
    label_map(model.eval(), image)


def _ask(peer: subprocess.Popen, question: str) -> float:
    print(question, file=peer.stdin, flush=True)
    return json.loads(peer.stdout.readline())


def _compare(work: str, case: str, name: str, ours: partial, peer: subprocess.Popen, repeats: int) -> dict:
    for _ in range(2):  # as in measure.compare
        memory = peak_memory(ours, CPU), _ask(peer, f'{name} memory')
    pairs = [(seconds_of(ours, CPU), _ask(peer, name)) for _ in range(WARM_UP + repeats)][WARM_UP:]
    return dict(
        work=work,
        case=case,
        ours_seconds=statistics.median(pair[0] for pair in pairs),
        peer_seconds=statistics.median(pair[1] for pair in pairs),
        time_ratio=statistics.median(pair[0] / pair[1] for pair in pairs),
        ours_mib=memory[0],
        peer_mib=memory[1],
        memory_ratio=memory[0] / memory[1],
    )
