_base_ = [
    '../_base_/models/maskformer_r50_enc6.py',
    '../_base_/datasets/cityscapes-panoptic_512x1024.py',
    '../_base_/schedules/schedule_cnn_90k.py',
    '../_base_/default_runtime.py',
]
model = dict(
    decode_head=dict(num_classes=19),
    test_cfg=dict(postprocess='before', panoptic=dict(score_thr=0.8, overlap_thr=0.8)),
)
default_hooks = dict(checkpoint=dict(save_best='PQ'))
