# The drawn scenes at their whole size.
_base_ = ['./toy_panoptic.py', './pipelines.py']

train_pipeline, test_pipeline, tta_pipeline = _base_.pop('pipelines').random_sizes(
    'panoptic', (256, 192), (160, 192), (0.8, 1.25), (144, 192, 240)
)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
