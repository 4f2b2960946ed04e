# Half to twice the size that fits the crop; in testing the shorter edge is that of the window.
_base_ = ['./ade20k_512x512.py', './pipelines.py']

train_pipeline, test_pipeline, tta_pipeline = _base_.pop('pipelines').fit_window(
    'semantic', 512, (0.5, 2.0), (2048, 512), dict(img=0, seg=255), distort=True
)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
