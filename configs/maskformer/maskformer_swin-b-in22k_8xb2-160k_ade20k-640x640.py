_base_ = [
    '../_base_/models/maskformer_swin-b-in22k.py',
    '../_base_/datasets/ade20k_640x640.py',
    '../_base_/schedules/schedule_swin_160k.py',
    '../_base_/default_runtime.py',
]
