# ResNet-18 at half width and a decoder to match: some minutes of training on two CPU cores. Images are
# small, so the last stage keeps the stride of 16: at 32, a dozen pixels would have to tell all objects apart.
_base_ = './maskformer_r18.py'

channels = 64
model = dict(
    backbone=dict(stem_channels=32, base_channels=32, strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2)),
    decode_head=dict(
        in_channels=[32, 64, 128, 256],
        num_queries=20,
        pixel_decoder=dict(
            type='mmmaskformer.FPNPixelDecoder',
            channels=channels,
            mask_channels=channels,
            norm_cfg=dict(type='GN', num_groups=16),
        ),
        transformer_decoder=dict(
            type='mmmaskformer.MaskFormerTransformerDecoder',
            channels=channels,
            num_layers=3,
            ffn_channels=4 * channels,
            dropout=0.0,
        ),
    ),
)
