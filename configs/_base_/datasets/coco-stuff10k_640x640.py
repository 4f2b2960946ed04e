# Classes, folders and metric are MMSegmentation's; tools/dataset_converters/coco_stuff10k.py writes them.
_base_ = ['mmseg::_base_/datasets/coco-stuff10k.py', './pipelines.py']

crop_size = (640, 640)
train_pipeline, test_pipeline, tta_pipeline = _base_.pop('pipelines').short_edges(
    'semantic', 640, crop_size, pad_val=dict(img=128, seg=255), tenths=range(5, 16)
)
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
