# The network of maskformer_r18_toy-panoptic.py with MaX-DeepLab's losses.
_base_ = './maskformer_r18_toy-panoptic.py'
things = dict(type='mmmaskformer.InstanceDiscriminationLoss', thing_classes=[4, 5, 6, 7, 8, 9])
model = dict(
    decode_head=dict(
        type='mmmaskformer.MaXDeepLabHead',
        criterion=dict(type='mmmaskformer.MaXDeepLabCriterion', loss_instance=things),
    ),
    test_cfg=dict(panoptic=dict(_delete_=True, score_thr=0.5, pixel_thr=0.4)),
)
