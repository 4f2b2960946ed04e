_base_ = './maskformer_swin-t.py'

# The authors' ImageNet-1k weights, trained at 384x384 with windows of 12.
model = dict(
    backbone=dict(
        arch='base',
        img_size=384,
        window_size=12,
        init_cfg=dict(
            checkpoint='https://download.openmmlab.com/mmclassification/v0/swin-transformer/convert/'
            'swin_base_patch4_window12_384-02c598a4.pth'
        ),
    ),
    decode_head=dict(in_channels=[128, 256, 512, 1024]),
)
