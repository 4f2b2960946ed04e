# Folders and metric are MMSegmentation's. Its test pipeline also says reduce_zero_label; here the data set
# alone does, so that own data sets which inherit this may say otherwise.
_base_ = ['mmseg::_base_/datasets/ade20k.py', './pipelines.py']

crop_size = (512, 512)
train_pipeline, test_pipeline, tta_pipeline = _base_.pop('pipelines').short_edges(
    'semantic', 512, crop_size, pad_val=dict(img=128, seg=255)
)
train_dataloader = dict(batch_size=2, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
