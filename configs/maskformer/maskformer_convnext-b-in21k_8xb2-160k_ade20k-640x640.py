_base_ = [
    '../_base_/models/maskformer_convnext-b-in21k.py',
    '../_base_/datasets/ade20k_640x640.py',
    '../_base_/schedules/schedule_convnext_160k.py',
    '../_base_/default_runtime.py',
]
