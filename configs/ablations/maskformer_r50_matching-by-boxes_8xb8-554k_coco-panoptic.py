_base_ = '../maskformer/maskformer_r50_8xb8-554k_coco-panoptic.py'

# Boxes around the masks are matched, with DETR's weights; the losses are those of masks.
names = ('ClassificationCost', 'MaskBoxL1Cost', 'MaskBoxGIoUCost')
assigner = dict(
    type='mmmaskformer.HungarianAssigner', costs=[dict(type=f'mmmaskformer.{name}') for name in names]
)
model = dict(decode_head=dict(criterion=dict(type='mmmaskformer.MaskFormerCriterion', assigner=assigner)))
