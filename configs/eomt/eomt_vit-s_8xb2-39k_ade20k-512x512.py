_base_ = [
    '../_base_/models/eomt_vit-s.py',
    '../_base_/datasets/ade20k_512x512_eomt.py',
    '../_base_/schedules/schedule_eomt_39k.py',
    '../_base_/eomt_runtime.py',
]
