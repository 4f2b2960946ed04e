_base_ = ['./ade20k_512x512.py', './pipelines.py']

crop_size = (640, 640)
train_pipeline, test_pipeline, tta_pipeline = _base_.pop('pipelines').short_edges(
    'semantic', 640, crop_size, pad_val=dict(img=128, seg=255)
)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
