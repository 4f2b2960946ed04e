_base_ = [
    '../_base_/models/mask2former_efficientnet-lite0_small-data.py',
    '../_base_/datasets/camvid.py',
    '../_base_/schedules/schedule_small-data_600i.py',
    '../_base_/default_runtime.py',
]
model = dict(decode_head=dict(num_classes=11, num_queries=33))
default_hooks = dict(logger=dict(interval=10), checkpoint=dict(interval=150))
randomness = dict(seed=0)
undecayed = {'transformer_decoder.level_embed': dict(decay_mult=0.0)}
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=undecayed))
