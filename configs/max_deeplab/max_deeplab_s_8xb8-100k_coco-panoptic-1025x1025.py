_base_ = [
    '../_base_/models/max_deeplab_s.py',
    '../_base_/datasets/coco_panoptic_1025x1025.py',
    '../_base_/schedules/schedule_max_deeplab_100k.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size, size_divisor=None),
    test_cfg=dict(panoptic=dict(thing_area=256, stuff_area=4096)),
)
default_hooks = dict(checkpoint=dict(save_best='PQ'))
