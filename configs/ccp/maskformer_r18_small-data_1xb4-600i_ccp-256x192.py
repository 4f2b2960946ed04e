_base_ = [
    '../_base_/models/maskformer_r18_small-data.py',
    '../_base_/datasets/ccp.py',
    '../_base_/schedules/schedule_small-data_600i.py',
    '../_base_/default_runtime.py',
]
model = dict(decode_head=dict(num_classes=59))
default_hooks = dict(logger=dict(interval=10), checkpoint=dict(interval=150))
randomness = dict(seed=0)
