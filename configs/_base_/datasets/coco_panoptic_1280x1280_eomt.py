# Large-scale jitter: from a tenth to twice the size that fits the crop; in testing that size.
_base_ = ['./coco_panoptic.py', './pipelines.py']

crop_size = (1280, 1280)
train_pipeline, test_pipeline, tta_pipeline = _base_.pop('pipelines').fit_window(
    'panoptic', 1280, (0.1, 2.0), crop_size, dict(img=0, seg=0), distort=False
)
train_dataloader = dict(batch_size=2, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
