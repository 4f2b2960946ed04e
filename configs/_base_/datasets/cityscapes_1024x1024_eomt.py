_base_ = ['./cityscapes_512x1024.py', './pipelines.py']

crop_size = (1024, 1024)
train_pipeline, test_pipeline, tta_pipeline = _base_.pop('pipelines').fit_window(
    'semantic', 1024, (0.5, 2.0), (2048, 1024), dict(img=0, seg=255), distort=True
)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
