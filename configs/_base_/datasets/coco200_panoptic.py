# COCO panoptic annotations of a few hundred images at a small size; the layout is COCO's.
_base_ = './camvid_panoptic.py'

coco = dict(type='mmmaskformer.CocoPanopticDataset', data_root='data/coco200', categories='coco_panoptic')
val_dataset = dict(
    **coco,
    ann_file='annotations/panoptic_val2017.json',
    data_prefix=dict(img_path='val2017', seg_map_path='annotations/panoptic_val2017'),
)
train_dataloader = dict(
    dataset=dict(
        **coco,
        ann_file='annotations/panoptic_train2017.json',
        data_prefix=dict(img_path='train2017', seg_map_path='annotations/panoptic_train2017'),
        filter_cfg=dict(filter_empty_gt=True),
    )
)
val_dataloader = dict(dataset=val_dataset)
test_dataloader = dict(dataset=val_dataset)
