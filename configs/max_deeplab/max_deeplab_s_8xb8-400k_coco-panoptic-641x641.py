_base_ = [
    '../_base_/models/max_deeplab_s.py',
    '../_base_/datasets/coco_panoptic_641x641.py',
    '../_base_/schedules/schedule_max_deeplab_400k.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size, size_divisor=None),
)
default_hooks = dict(checkpoint=dict(save_best='PQ'))
