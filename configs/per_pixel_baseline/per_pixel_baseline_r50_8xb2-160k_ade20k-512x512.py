_base_ = [
    '../_base_/models/per_pixel_baseline_r50.py',
    '../_base_/datasets/ade20k_512x512.py',
    '../_base_/schedules/schedule_cnn_160k.py',
    '../_base_/default_runtime.py',
]
