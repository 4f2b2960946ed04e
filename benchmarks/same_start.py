#!/usr/bin/env python
"""Our head and MMSegmentation's in the CamVid recipe, from the same weights, on the same batches and dropout.

    python benchmarks/same_start.py DATA --out benchmarks/results

DATA is the folder of CamVid. Whatever differs in forward, matching, losses, gradients, clipping, weight decay
or schedule would part the two curves in the first steps; rounding parts them later. Each step is timed, too.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import re
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS, init_default_scope
from mmengine.runner import Runner
from torch import Tensor, nn

import mmmaskformer  # noqa: F401
from mmmaskformer.registry import MODELS

ROOT = Path(__file__).resolve().parent.parent
OURS = ROOT / 'configs/camvid/maskformer_r18_1xb4-1400i_camvid-192x256.py'
THEIRS = ROOT / 'benchmarks/configs/mmseg_maskformer_r18_camvid.py'
SHOWN = (1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 60, 80, 100)

# MMSegmentation's parameter names -> ours.
RENAMES = [
    (r'\bcls_embed\.', 'class_embed.'),
    (r'\bquery_embed\.', 'transformer_decoder.query_embed.'),
    (r'\bdecoder_input_proj\.', 'transformer_decoder.input_proj.'),
    (r'\bmask_feature\.', 'mask_features.'),
    (r'\blast_feat_conv\.', 'output_convs.3.'),
    (r'\bpost_norm\.', 'norm.'),
    (r'_attn\.attn\.', '_attn.'),
    (r'\bffn\.layers\.0\.0\.', 'ffn.0.'),
    (r'\bffn\.layers\.1\.', 'ffn.3.'),
    (r'\bnorms\.(\d)\.', lambda match: f'norm{int(match[1]) + 1}.'),
]


class Trainee:
    """A model with the optimizer and schedule of its config."""

    def __init__(self, path: Path):
        cfg = Config.fromfile(path)
        self.model = MODELS.build(cfg.model)
        self.model.init_weights()
        self.optim_wrapper = build_optim_wrapper(self.model, cfg.optim_wrapper)
        schedulers = ({**settings, 'optimizer': self.optim_wrapper} for settings in cfg.param_scheduler)
        self.schedulers = [PARAM_SCHEDULERS.build(settings) for settings in schedulers]
        self.losses: list[float] = []
        self.seconds: list[float] = []

    def step(self, batch: dict, seed: int) -> None:
        torch.manual_seed(seed)  # the same dropout for both
        start = time.perf_counter()
        self.model.train()
        prepared = self.model.data_preprocessor(copy.deepcopy(batch), training=True)
        total, _ = self.model.parse_losses(self.model.loss(**prepared))
        self.optim_wrapper.update_params(total)
        for scheduler in self.schedulers:
            scheduler.step()
        self.losses.append(total.item())
        self.seconds.append(time.perf_counter() - start)


def renamed(state: dict[str, Tensor]) -> dict[str, Tensor]:
    result = {}
    for name, tensor in state.items():
        for pattern, replacement in RENAMES:
            name = re.sub(pattern, replacement, name)
        result[name] = tensor
    result.pop('decode_head.loss_cls.class_weight', None)
    return result


def batches(data: str) -> object:
    random.seed(0)
    np.random.seed(0)
    loader = Config.fromfile(OURS).train_dataloader
    loader.update(num_workers=0, persistent_workers=False)
    loader.dataset.data_root = data
    return iter(Runner.build_dataloader(loader, seed=0))


def copy_weights(target: nn.Module, source: nn.Module) -> None:
    target.load_state_dict(renamed(source.state_dict()), strict=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('data')
    parser.add_argument('--iterations', type=int, default=60)
    parser.add_argument('--out', type=Path, help='folder for same_start.json and same_start.md')
    args = parser.parse_args()
    init_default_scope('mmseg')
    torch.manual_seed(0)
    ours, theirs = Trainee(OURS), Trainee(THEIRS)
    copy_weights(ours.model, theirs.model)
    for i, batch in zip(range(args.iterations), batches(args.data)):
        for trainee in (ours, theirs) if i % 2 else (theirs, ours):
            trainee.step(batch, seed=i)
        if i + 1 in SHOWN:
            print(f'iteration {i + 1}: ours {ours.losses[-1]:.4f}, mmseg {theirs.losses[-1]:.4f}', flush=True)
    ratio = statistics.median(a / b for a, b in zip(ours.seconds[2:], theirs.seconds[2:]))
    rows = [
        f'| {i} | {ours.losses[i - 1]:.4f} | {theirs.losses[i - 1]:.4f} |'
        for i in SHOWN
        if i <= args.iterations
    ]
    threads = torch.get_num_threads()
    report = '\n'.join(
        [
            f'Equal weights, batches and dropout; {threads} CPU thread(s). Time of a step, ours to',
            f"mmseg's, median of pairs: {ratio:.2f}.\n",
            '| iteration | loss, ours | loss, mmseg |',
            '|-|-|-|',
            *rows,
            '',
        ]
    )
    print(report)
    if args.out:
        values = dict(ours=ours.losses, mmseg=theirs.losses, time_ratio=ratio)
        (args.out / 'same_start.json').write_text(json.dumps(values) + '\n')
        (args.out / 'same_start.md').write_text(report)


if __name__ == '__main__':
    main()
