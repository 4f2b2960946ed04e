_base_ = [
    '../_base_/models/maskformer_r18_half.py',
    '../_base_/datasets/toy.py',
    '../_base_/schedules/schedule_toy.py',
    '../_base_/default_runtime.py',
]
model = dict(decode_head=dict(num_classes=10))
default_hooks = dict(logger=dict(interval=10), checkpoint=dict(interval=_base_.max_iters, save_best=None))
randomness = dict(seed=0)
