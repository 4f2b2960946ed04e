# Large-scale jitter: from a tenth to twice the size, in squares of 1024, padded with void.
_base_ = './coco_panoptic.py'

crop_size = (1024, 1024)
train_pipeline = [
    dict(type='mmmaskformer.LoadImageFromFile'),
    dict(type='mmmaskformer.LoadPanopticAnnotations'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomResize', scale=crop_size, ratio_range=(0.1, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='Pad', size=crop_size, pad_val=dict(img=128, seg=0)),
    dict(type='mmmaskformer.PackSegmentInputs'),
]
train_dataloader = dict(batch_size=2, dataset=dict(pipeline=train_pipeline))
val_evaluator = [
    dict(type='mmmaskformer.PanopticQuality'),
    dict(type='IoUMetric', iou_metrics=['mIoU']),
    dict(type='mmmaskformer.InstanceAP'),
]
test_evaluator = val_evaluator
