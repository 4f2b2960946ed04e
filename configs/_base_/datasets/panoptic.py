# Loaders and metrics of the panoptic data sets.
_base_ = './loaders.py'

train_dataloader = dict(dataset=dict(filter_cfg=dict(filter_empty_gt=True)))
val_dataloader = dict(dataset=dict(test_mode=True))
test_dataloader = val_dataloader
val_evaluator = [
    dict(type='mmmaskformer.PanopticQuality'),
    dict(type='IoUMetric', iou_metrics=['mIoU']),
]
test_evaluator = val_evaluator
