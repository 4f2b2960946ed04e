# Images fit a square of half to one and a half times the crop; the data preprocessor pads crops to it.
_base_ = ['./coco_panoptic.py', './pipelines.py']

crop_size = (1025, 1025)
train_pipeline, test_pipeline = _base_.pop('pipelines').fit_square('panoptic', crop_size)
train_dataloader = dict(batch_size=8, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
