# A small decoder on EfficientNet-Lite0: less than 10 MB of weights in half precision.
_base_ = './maskformer_efficientnet-lite0.py'

channels = 64
model = dict(
    decode_head=dict(
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
            learned_queries=True,
        ),
    ),
)
