# The backbone of maskformer_r18_half.py, and a transformer that is as small as the mask head allows.
_base_ = './maskformer_r18_half.py'

layers = dict(num_layers=3, ffn_channels=512, dropout=0.0)
model = dict(
    data_preprocessor=dict(size_divisor=1),
    decode_head=dict(
        _delete_=True,
        type='mmmaskformer.DETRHead',
        in_channels=[32, 64, 128, 256],
        num_classes=10,
        num_queries=20,
        encoder=dict(type='mmmaskformer.DETREncoder', channels=128, **layers),
        transformer_decoder=dict(type='mmmaskformer.MaskFormerTransformerDecoder', **layers),
    ),
)
