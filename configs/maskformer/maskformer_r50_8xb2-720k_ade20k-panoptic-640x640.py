_base_ = [
    '../_base_/models/maskformer_r50_enc6.py',
    '../_base_/datasets/ade20k_panoptic.py',
    '../_base_/schedules/schedule_cnn_720k.py',
    '../_base_/default_runtime.py',
]
model = dict(test_cfg=dict(postprocess='before', panoptic=dict(score_thr=0.7, overlap_thr=0.8)))
default_hooks = dict(checkpoint=dict(save_best='PQ'))
