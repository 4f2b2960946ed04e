_base_ = [
    '../_base_/models/mask2former_r18_half.py',
    '../_base_/datasets/toy.py',
    '../_base_/schedules/schedule_toy.py',
    '../_base_/default_runtime.py',
]
model = dict(decode_head=dict(num_classes=10))
default_hooks = dict(logger=dict(interval=10), checkpoint=dict(interval=_base_.max_iters, save_best=None))
randomness = dict(seed=0)
undecayed = {'query_feat': dict(decay_mult=0.0), 'transformer_decoder.level_embed': dict(decay_mult=0.0)}
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=undecayed))
