# The frames of camvid.py with their segments. Things are connected components: touching objects are one.
_base_ = ['./camvid.py', './pipelines.py']

dataset_type = 'mmmaskformer.CamVidPanopticDataset'
train_pipeline, test_pipeline, tta_pipeline = _base_.pop('pipelines').random_sizes(
    'panoptic',
    _base_.image_size,
    _base_.crop_size,
    (0.75, 1.5),
    (192, 240, 288, 360),
    pad_val=dict(img=128, seg=0),
)


def dataset(split, pipeline, **options):
    segments = f'panoptic/{split}'
    return dict(
        type=dataset_type,
        ann_file=f'{segments}.json',
        data_prefix=dict(seg_map_path=segments),
        pipeline=pipeline,
        **options,
    )


train_dataloader = dict(dataset=dataset('train', train_pipeline))
val_dataloader = dict(dataset=dataset('val', test_pipeline, test_mode=True))
test_dataloader = dict(dataset=dataset('test', test_pipeline, test_mode=True))
val_evaluator = [
    _base_.val_evaluator,
    dict(type='mmmaskformer.PanopticQuality'),
    dict(type='mmmaskformer.InstanceAP'),
]
test_evaluator = val_evaluator
