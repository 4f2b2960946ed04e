# For ResNets whose batch normalisation trains: it does not decay.
_base_ = './schedule_mask2former_90k.py'

slow_undecayed = dict(lr_mult=0.1, decay_mult=0.0)
blocks = [f'backbone.layer{i}.{j}' for i in range(1, 5) for j in range(23)]
optim_wrapper = dict(
    paramwise_cfg=dict(
        custom_keys={
            'backbone.bn1': slow_undecayed,
            **{f'{block}.bn': slow_undecayed for block in blocks},
            **{f'{block}.downsample.1': slow_undecayed for block in blocks},
        },
    ),
)
