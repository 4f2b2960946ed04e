_base_ = './schedule_cnn_160k.py'

optim_wrapper = dict(
    optimizer=dict(lr=6e-5, weight_decay=1e-2),
    paramwise_cfg=dict(
        custom_keys=dict(
            _delete_=True,
            query_embed=dict(decay_mult=0.0),
            relative_position_bias_table=dict(decay_mult=0.0),
        ),
    ),
)
# The two are multiplied. LinearLR, too, counts end - begin - 1 steps: the warm-up lasts 1500.
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, begin=0, end=1501, by_epoch=False),
    *_base_.param_scheduler,
]
