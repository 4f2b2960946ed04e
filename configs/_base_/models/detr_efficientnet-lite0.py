# A small transformer on the backbone of maskformer_efficientnet-lite0.py.
_base_ = './maskformer_efficientnet-lite0.py'

layers = dict(num_layers=3, ffn_channels=512, dropout=0.0)
model = dict(
    data_preprocessor=dict(size_divisor=1),
    decode_head=dict(
        type='mmmaskformer.DETRHead',
        num_queries=50,
        encoder=dict(type='mmmaskformer.DETREncoder', channels=128, **layers),
        transformer_decoder=dict(type='mmmaskformer.MaskFormerTransformerDecoder', **layers),
    ),
)
