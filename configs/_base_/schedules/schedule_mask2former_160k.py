# AdamW with a decay of 0.05 for all but norms and embeddings, and a tenth of the rate for the backbone. The
# longest key that a name contains counts, so norms in the backbone have keys of their own; those of a frozen
# ResNet do not train.
_base_ = './schedule_cnn_160k.py'

undecayed = dict(decay_mult=0.0)
slow_undecayed = dict(lr_mult=0.1, decay_mult=0.0)
norms = [f'stages.{i}.blocks.{j}.norm' for i in range(4) for j in range(18)]
norms += ['norm', 'patch_embed.norm', *(f'stages.{i}.downsample.norm' for i in range(3))]
optim_wrapper = dict(
    optimizer=dict(lr=1e-4, weight_decay=0.05),
    paramwise_cfg=dict(
        custom_keys={
            'query_feat': undecayed,
            'transformer_decoder.level_embed': undecayed,
            'relative_position_bias_table': slow_undecayed,
            **{f'backbone.{norm}': slow_undecayed for norm in norms},
        },
    ),
)
