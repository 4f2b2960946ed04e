# Mapillary Vistas v1.2 with 65 classes, in the folders of release 2.0 (for those of release 1.2, set
# seg_map_path to training/labels and validation/labels). "Unlabeled", 65 in the files, is mapped to 255.
_base_ = ['mmseg::_base_/datasets/mapillary_v1_65.py', './pipelines.py']

crop_size = (1280, 1280)
train_pipeline, test_pipeline, tta_pipeline = _base_.pop('pipelines').short_edges(
    'semantic',
    2048,
    crop_size,
    pad_val=dict(img=128, seg=255),
    test_scale=(2048, 2048),
    tta_scales=[(edge, edge) for edge in (1024, 2048, 3072)],
)
train_dataloader = dict(num_workers=8, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
