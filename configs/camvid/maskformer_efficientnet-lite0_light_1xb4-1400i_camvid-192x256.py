_base_ = [
    '../_base_/models/maskformer_efficientnet-lite0_light.py',
    '../_base_/datasets/camvid.py',
    '../_base_/schedules/schedule_small-data_1400i.py',
    '../_base_/default_runtime.py',
]
model = dict(decode_head=dict(num_classes=11, num_queries=11))
default_hooks = dict(logger=dict(interval=10), checkpoint=dict(interval=350))
randomness = dict(seed=0)
