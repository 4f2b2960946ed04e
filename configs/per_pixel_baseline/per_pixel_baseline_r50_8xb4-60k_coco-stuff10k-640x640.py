_base_ = [
    '../_base_/models/per_pixel_baseline_r50.py',
    '../_base_/datasets/coco-stuff10k_640x640.py',
    '../_base_/schedules/schedule_cnn_60k.py',
    '../_base_/default_runtime.py',
]
model = dict(decode_head=dict(num_classes=171))
