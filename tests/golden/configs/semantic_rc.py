_base_ = './semantic_r.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='mmseg.ResNetV1c',
        depth=50,
        stem_channels=8,
        base_channels=4,
        multi_grid=(1, 2, 4),
        norm_cfg=dict(type='BN', requires_grad=False),
        norm_eval=True,
    )
)
