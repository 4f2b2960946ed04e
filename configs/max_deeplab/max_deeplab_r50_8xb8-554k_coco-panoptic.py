# MaskFormer's R50 panoptic model with MaX-DeepLab's losses.
_base_ = '../maskformer/maskformer_r50_8xb8-554k_coco-panoptic.py'
things = dict(type='mmmaskformer.InstanceDiscriminationLoss', thing_classes=list(range(80)))
model = dict(
    decode_head=dict(
        type='mmmaskformer.MaXDeepLabHead',
        num_queries=128,
        criterion=dict(type='mmmaskformer.MaXDeepLabCriterion', loss_instance=things),
    ),
    test_cfg=dict(panoptic=dict(_delete_=True, score_thr=0.7, pixel_thr=0.4)),
)
