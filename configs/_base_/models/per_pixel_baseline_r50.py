_base_ = './maskformer_r50.py'

# The same backbone and pixel decoder; PerPixelBaselinePlusHead takes the same settings.
model = dict(
    decode_head=dict(
        _delete_=True,
        type='mmmaskformer.PerPixelBaselineHead',
        in_channels=[256, 512, 1024, 2048],
        num_classes=150,
    ),
)
