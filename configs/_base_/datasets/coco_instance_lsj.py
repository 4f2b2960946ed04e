# Large-scale jitter: from a tenth to twice the size, in squares of 1024.
_base_ = './coco_instance.py'

crop_size = (1024, 1024)
train_pipeline = [
    dict(type='mmmaskformer.LoadImageFromFile'),
    dict(type='mmmaskformer.LoadInstanceAnnotations'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomResize', scale=crop_size, ratio_range=(0.1, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='mmmaskformer.PadSegments', size=crop_size, img_pad_val=128),
    dict(type='mmmaskformer.PackSegmentInputs'),
]
train_dataloader = dict(batch_size=2, dataset=dict(pipeline=train_pipeline))
