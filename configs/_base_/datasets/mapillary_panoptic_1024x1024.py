# Mapillary Vistas v1.2 in the folders of release 2.0; see docs/mask2former.md for those of release 1.2.
_base_ = ['./panoptic.py', './pipelines.py']

dataset_type = 'mmmaskformer.MapillaryPanopticDataset'
data_root = 'data/mapillary'
folder = 'v1.2/panoptic'
crop_size = (1024, 1024)
train_pipeline, test_pipeline, tta_pipeline = _base_.pop('pipelines').short_edges(
    'panoptic',
    2048,
    crop_size,
    pad_val=dict(img=128, seg=0),
    test_scale=(2048, 2048),
    tta_scales=[(edge, edge) for edge in (1024, 2048, 3072)],
)


def dataset(split, pipeline):
    folders = dict(img_path=f'{split}/images', seg_map_path=f'{split}/{folder}')
    source = dict(type=dataset_type, data_root=data_root, data_prefix=folders)
    return dict(source, ann_file=f'{split}/{folder}/panoptic_2018.json', pipeline=pipeline)


train_dataloader = dict(num_workers=8, dataset=dataset('training', train_pipeline))
val_dataloader = dict(dataset=dataset('validation', test_pipeline))
test_dataloader = val_dataloader
