_base_ = [
    '../_base_/models/maskformer_convnext-s.py',
    '../_base_/datasets/ade20k_512x512.py',
    '../_base_/schedules/schedule_convnext_160k.py',
    '../_base_/default_runtime.py',
]
