# Half of the training images are resized and cropped first, as in DETR.
_base_ = ['./panoptic.py', './pipelines.py']

dataset_type = 'mmmaskformer.CocoPanopticDataset'
data_root = 'data/coco'
max_size = 1333

short_edges = dict(
    type='RandomChoiceResize',
    scales=list(range(480, 801, 32)),
    resize_type='ResizeShortestEdge',
    max_size=max_size,
)
crop = [
    dict(
        type='RandomChoiceResize', scales=[400, 500, 600], resize_type='ResizeShortestEdge', max_size=100000
    ),
    dict(type='mmdet.RandomCrop', crop_type='absolute_range', crop_size=(384, 600)),
]
train_pipeline, test_pipeline, tta_pipeline = _base_.pop('pipelines').around(
    'panoptic',
    [
        dict(type='RandomFlip', prob=0.5),
        dict(type='RandomChoice', transforms=[[short_edges], [*crop, short_edges]]),
    ],
    (max_size, 800),
    [(2000, edge) for edge in range(400, 1201, 200)],
)


def dataset(images, pipeline):
    segments = f'annotations/panoptic_{images}'
    folders = dict(img_path=images, seg_map_path=segments)
    source = dict(type=dataset_type, data_root=data_root, ann_file=f'{segments}.json', data_prefix=folders)
    return dict(source, categories='coco_panoptic', pipeline=pipeline)


train_dataloader = dict(batch_size=8, dataset=dataset('train2017', train_pipeline))
val_dataloader = dict(dataset=dataset('val2017', test_pipeline))
test_dataloader = val_dataloader
