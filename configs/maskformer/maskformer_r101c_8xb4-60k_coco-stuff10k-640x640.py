_base_ = [
    '../_base_/models/maskformer_r101c.py',
    '../_base_/datasets/coco-stuff10k_640x640.py',
    '../_base_/schedules/schedule_cnn_60k.py',
    '../_base_/default_runtime.py',
]
model = dict(decode_head=dict(num_classes=171))
