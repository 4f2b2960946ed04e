# Folders and metric are MMSegmentation's. Crops are not padded: the images, all of one size, are never
# smaller than the crop. gtFine/*_labelTrainIds.png come from tools/dataset_converters/cityscapes.py.
_base_ = ['mmseg::_base_/datasets/cityscapes.py', './pipelines.py']

crop_size = (512, 1024)
train_pipeline, test_pipeline, tta_pipeline = _base_.pop('pipelines').short_edges(
    'semantic', 1024, crop_size, test_scale=(2048, 1024), tta_scales=[(4096, 256 * n) for n in range(2, 8)]
)
train_dataloader = dict(batch_size=2, num_workers=4, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
