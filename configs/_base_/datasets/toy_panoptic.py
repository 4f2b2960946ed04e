# The drawn scenes of toy.py with their segments.
_base_ = ['./toy.py', './pipelines.py']

dataset_type = 'mmmaskformer.ToyPanopticDataset'
train_pipeline, test_pipeline, tta_pipeline = _base_.pop('pipelines').random_sizes(
    'panoptic', _base_.image_size, _base_.crop_size, (0.8, 1.25), (96, 120, 150), distort=False
)


def dataset(segments, pipeline, **options):
    files = dict(ann_file=f'{segments}.json', data_prefix=dict(seg_map_path=segments))
    return dict(type=dataset_type, **files, pipeline=pipeline, **options)


train_dataloader = dict(dataset=dataset('panoptic_training', train_pipeline))
val_dataloader = dict(dataset=dataset('panoptic_validation', test_pipeline, test_mode=True))
test_dataloader = val_dataloader
val_evaluator = [
    _base_.val_evaluator,
    dict(type='mmmaskformer.PanopticQuality'),
    dict(type='mmmaskformer.InstanceAP'),
]
test_evaluator = val_evaluator
