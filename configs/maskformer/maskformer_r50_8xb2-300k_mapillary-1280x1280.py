_base_ = [
    '../_base_/models/maskformer_r50.py',
    '../_base_/datasets/mapillary_1280x1280.py',
    '../_base_/schedules/schedule_cnn_300k.py',
    '../_base_/default_runtime.py',
]
model = dict(decode_head=dict(num_classes=65))
