_base_ = [
    '../_base_/models/maskformer_r50_enc6.py',
    '../_base_/datasets/coco_instance.py',
    '../_base_/schedules/schedule_coco_panoptic.py',
    '../_base_/default_runtime.py',
]
default_hooks = dict(checkpoint=dict(save_best='AP'))
model = dict(
    data_preprocessor=dict(size_divisor=1),
    decode_head=dict(num_classes=80),
    test_cfg=dict(semantic=False, instance=dict(max_per_image=100)),
)
