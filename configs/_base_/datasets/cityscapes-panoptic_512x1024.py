# Files written by tools/dataset_converters/cityscapes_panoptic.py, or by cityscapesscripts.
_base_ = ['./panoptic.py', './pipelines.py']

dataset_type = 'mmmaskformer.CityscapesPanopticDataset'
data_root = 'data/cityscapes'
crop_size = (512, 1024)
train_pipeline, test_pipeline, tta_pipeline = _base_.pop('pipelines').short_edges(
    'panoptic', 1024, crop_size, test_scale=(2048, 1024), tta_scales=[(4096, 256 * n) for n in range(2, 8)]
)


def dataset(split, pipeline):
    segments = f'gtFine/cityscapes_panoptic_{split}'
    return dict(
        type=dataset_type,
        data_root=data_root,
        ann_file=f'{segments}.json',
        data_prefix=dict(img_path=f'leftImg8bit/{split}', seg_map_path=segments),
        pipeline=pipeline,
    )


train_dataloader = dict(dataset=dataset('train', train_pipeline))
val_dataloader = dict(dataset=dataset('val', test_pipeline))
test_dataloader = val_dataloader
