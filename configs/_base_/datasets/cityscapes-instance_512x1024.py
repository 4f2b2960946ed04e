# Files written by tools/dataset_converters/cityscapes_instance.py.
_base_ = ['./instance.py', './pipelines.py']

data_root = 'data/cityscapes'
crop_size = (512, 1024)
train_pipeline, test_pipeline, tta_pipeline = _base_.pop('pipelines').short_edges(
    'instance', 1024, crop_size, test_scale=(2048, 1024)
)
tta_pipeline = None  # it averages semantic scores, for which there is no ground truth here


def dataset(split, pipeline):
    return dict(
        data_root=data_root,
        ann_file=f'gtFine/cityscapes_instance_{split}.json',
        data_prefix=dict(img_path=f'leftImg8bit/{split}'),
        categories='cityscapes_instance',
        pipeline=pipeline,
    )


train_dataloader = dict(dataset=dataset('train', train_pipeline))
val_dataloader = dict(dataset=dataset('val', test_pipeline))
test_dataloader = val_dataloader
