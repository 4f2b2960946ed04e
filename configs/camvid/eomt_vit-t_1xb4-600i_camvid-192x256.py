_base_ = [
    '../_base_/models/eomt_vit-t.py',
    '../_base_/datasets/camvid.py',
    '../_base_/schedules/schedule_small-data_600i.py',
    '../_base_/eomt_runtime.py',
]
model = dict(decode_head=dict(num_classes=11, num_queries=33))
default_hooks = dict(logger=dict(interval=10), checkpoint=dict(interval=150))
randomness = dict(seed=0)
