_base_ = './maskformer_r50.py'

# Trained from scratch: batch normalisation learns like every other layer, and the coarse levels of the
# pyramid start from Kaiming's larger weights, which change more slowly at a high learning rate.
model = dict(
    backbone=dict(_delete_=True, type='mmpretrain.ResNet', depth=18, out_indices=(0, 1, 2, 3)),
    decode_head=dict(
        in_channels=[64, 128, 256, 512],
        pixel_decoder=dict(
            type='mmmaskformer.FPNPixelDecoder',
            init_cfg=dict(
                type='Caffe2Xavier', layer='Conv2d', override=dict(type='Kaiming', name='coarse_convs')
            ),
        ),
    ),
)
