"""Whole runs of a small model: `train_model` with MMEngine's runners."""

from __future__ import annotations

import inspect
from pathlib import Path

import torch
from mmengine.config import Config, ConfigDict
from small_models import small_model
from small_runs import config, write_data
from torch import nn

from mmmaskformer.apis import train_model

NUM_VALIDATION = 7
EQUAL_WEIGHTS = dict(
    type='mmmaskformer.MaskFormerCriterion',
    loss_cls=dict(type='mmmaskformer.NoObjectCrossEntropyLoss', no_object_weight=1.0),
)
# FSDP's offload_to_cpu, which `state_dict_cfg='full'` asks for, ends in a segmentation fault if the
# parameters are on the CPU already.
WHOLE_CHECKPOINTS = dict(
    state_dict_type='FULL_STATE_DICT',
    state_dict_config=dict(type='FullStateDictConfig', rank0_only=True),
    optim_state_dict_config=dict(type='FullOptimStateDictConfig', rank0_only=True),
)
# FSDP gives its streams a priority, which those of CPUs take from PyTorch 2.2 on.
SHARDS_ON_CPU = 'priority' in inspect.signature(torch.cpu.Stream).parameters


def write_splits(folder: Path) -> None:
    """Four images for training, seven for validation, and a model that tells pixels apart."""
    write_data(folder / 'train', 4)
    write_data(folder / 'val', NUM_VALIDATION)
    torch.manual_seed(0)
    model = small_model(decode_head=dict(criterion=EQUAL_WEIGHTS))
    head = model.decode_head
    for weight in (
        head.class_embed.weight,
        head.mask_embed[-1].weight,
        head.pixel_decoder.mask_features.weight,
    ):
        nn.init.normal_(weight)
    torch.save(dict(state_dict=model.state_dict()), folder / 'start.pth')


def training_config(data: Path, work_dir: Path, world: int, norm: str | None = None) -> Config:
    """Two steps with all images there are, a checkpoint, and a validation.

    Nothing is drawn, and classes weigh alike, so that the number of processes makes no difference; unless
    batch normalisation, if its name is given, learns.
    """
    learned = dict(norm_cfg=dict(type=norm)) if norm else dict(norm_eval=True)
    cfg = config(data / 'train', decode_head=dict(criterion=EQUAL_WEIGHTS))
    cfg.model.backbone.update(learned)
    cfg.train_dataloader = ConfigDict(
        {**cfg.test_dataloader, 'batch_size': 4 // world, 'sampler': dict(type='InfiniteSampler')}
    )
    cfg.test_dataloader.dataset.data_root = str(data / 'val')
    cfg.test_evaluator = [
        dict(type=f'mmmaskformer.{name}') for name in ('ClassIoU', 'SemanticPanopticQuality')
    ]
    cfg.test_evaluator.append(dict(type='IoUMetric', prefix='mmseg'))
    cfg.update(
        val_dataloader=cfg.test_dataloader,
        val_evaluator=cfg.test_evaluator,
        val_cfg=dict(type='ValLoop'),
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=2, val_interval=2),
        optim_wrapper=dict(
            type='OptimWrapper',
            constructor='mmmaskformer.MergedGroupsConstructor',
            optimizer=dict(type='SGD', lr=1e-4, momentum=0.9, weight_decay=1e-4),
            paramwise_cfg=dict(norm_decay_mult=0.0, custom_keys=dict(query_embed=dict(lr_mult=0.5))),
        ),
        custom_hooks=[dict(type='mmmaskformer.CheckDatasetHook'), dict(type='mmmaskformer.ShareBuffersHook')],
        default_hooks=dict(
            logger=dict(type='LoggerHook', interval=1),
            checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2),
        ),
        env_cfg=dict(),
        log_processor=dict(by_epoch=False),
        randomness=dict(seed=0),
        load_from=str(data / 'start.pth'),
        work_dir=str(work_dir),
        launcher='none' if world == 1 else 'pytorch',
    )
    return cfg


def train(data: Path, work_dir: Path, world: int, norm: str) -> dict:
    """Running statistics of the model after validation, and the kinds of its normalisation."""
    model = train_model(training_config(data, work_dir, world, norm)).model
    model = getattr(model, 'module', model)
    norms = {name: m for name, m in model.named_modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)}
    return dict(
        kinds={type(module).__name__ for module in norms.values()},
        statistics={f'{name}.{key}': value for name, m in norms.items() for key, value in m.named_buffers()},
    )


def train_sharded(data: Path, work_dir: Path, world: int, resume: bool = False) -> dict:
    """FSDP by MMEngine's strategy, with accumulation: losses of the steps, and the settings of each group."""
    cfg = training_config(data, work_dir, world)
    cfg.update(
        runner_type='FlexibleRunner', strategy=dict(type='FSDPStrategy', state_dict_cfg=WHOLE_CHECKPOINTS)
    )
    cfg.optim_wrapper.accumulative_counts = 2
    cfg.train_cfg.update(max_iters=4, val_interval=4)
    if resume:
        cfg.update(load_from=str(data / 'sharded/iter_2.pth'), resume=True)
    runner = train_model(cfg)
    return dict(
        losses=runner.message_hub.get_scalar('train/loss').data[0].tolist(),
        groups=[(group['lr'], group['weight_decay']) for group in runner.optim_wrapper.param_groups],
    )
