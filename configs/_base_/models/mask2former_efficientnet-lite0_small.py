# The widths of maskformer_efficientnet-lite0_small-data.py and three layers: hundreds of iterations on a CPU.
_base_ = './maskformer_efficientnet-lite0.py'

channels = 128
model = dict(
    decode_head=dict(
        type='mmmaskformer.Mask2FormerHead',
        pixel_decoder=dict(
            type='mmmaskformer.MSDeformAttnPixelDecoder',
            channels=channels,
            mask_channels=channels,
            num_layers=3,
            ffn_channels=4 * channels,
        ),
        transformer_decoder=dict(
            type='mmmaskformer.Mask2FormerTransformerDecoder',
            num_layers=3,
            ffn_channels=1024,
        ),
        criterion=dict(type='mmmaskformer.Mask2FormerCriterion', num_points=3136),
    ),
)
