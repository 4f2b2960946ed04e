_base_ = [
    '../_base_/models/mask2former_swin-t.py',
    '../_base_/datasets/ade20k_512x512.py',
    '../_base_/schedules/schedule_mask2former_160k.py',
    '../_base_/default_runtime.py',
]
