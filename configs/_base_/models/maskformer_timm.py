# Any network of timm with maps of strides 4 to 32: a config changes model_name, and these follow.
_base_ = './maskformer_r50.py'

model = dict(
    data_preprocessor=dict(mean='backbone', std='backbone'),
    backbone=dict(
        _delete_=True, type='mmmaskformer.TIMMFeatures', model_name='convnext_atto', pretrained=True
    ),
    decode_head=dict(in_channels=None),
)
