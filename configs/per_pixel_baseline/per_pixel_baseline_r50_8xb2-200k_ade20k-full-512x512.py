_base_ = [
    '../_base_/models/per_pixel_baseline_r50.py',
    '../_base_/datasets/ade20k-full_512x512.py',
    '../_base_/schedules/schedule_cnn_200k.py',
    '../_base_/default_runtime.py',
]
model = dict(decode_head=dict(num_classes=847))
