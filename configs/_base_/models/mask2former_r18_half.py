# The sizes of maskformer_r18_half.py: some minutes of training on two CPU cores.
_base_ = './mask2former_r18.py'

channels = 64
model = dict(
    backbone=dict(stem_channels=32, base_channels=32, strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2)),
    decode_head=dict(
        in_channels=[32, 64, 128, 256],
        num_queries=20,
        pixel_decoder=dict(
            type='mmmaskformer.MSDeformAttnPixelDecoder',
            channels=channels,
            mask_channels=channels,
            norm_cfg=dict(type='GN', num_groups=16),
            num_layers=2,
            ffn_channels=2 * channels,
        ),
        transformer_decoder=dict(
            type='mmmaskformer.Mask2FormerTransformerDecoder',
            channels=channels,
            num_layers=3,
            ffn_channels=4 * channels,
        ),
        criterion=dict(type='mmmaskformer.Mask2FormerCriterion', num_points=1024),
    ),
)
