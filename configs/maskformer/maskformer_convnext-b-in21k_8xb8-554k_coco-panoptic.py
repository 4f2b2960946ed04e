_base_ = [
    '../_base_/models/maskformer_convnext-b-in21k.py',
    '../_base_/datasets/coco_panoptic.py',
    '../_base_/schedules/schedule_convnext_coco_panoptic.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=dict(size_divisor=1),
    decode_head=dict(num_classes=133),
    test_cfg=dict(postprocess='before', panoptic=dict(score_thr=0.8, overlap_thr=0.8)),
)
default_hooks = dict(checkpoint=dict(save_best='PQ'))
