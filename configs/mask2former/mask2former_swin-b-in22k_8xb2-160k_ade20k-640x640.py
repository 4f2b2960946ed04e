_base_ = [
    '../_base_/models/mask2former_swin-b-in22k.py',
    '../_base_/datasets/ade20k_640x640.py',
    '../_base_/schedules/schedule_mask2former_160k.py',
    '../_base_/default_runtime.py',
]
