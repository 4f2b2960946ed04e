_base_ = [
    '../_base_/models/mask2former_efficientnet-lite0.py',
    '../_base_/datasets/camvid.py',
    '../_base_/schedules/schedule_scratch_1400i.py',
    '../_base_/default_runtime.py',
]
model = dict(decode_head=dict(num_classes=11))
default_hooks = dict(logger=dict(interval=10), checkpoint=dict(interval=350))
randomness = dict(seed=0)
undecayed = {'query_feat': dict(decay_mult=0.0), 'transformer_decoder.level_embed': dict(decay_mult=0.0)}
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=undecayed))
