# How MaskFormer learns from a few hundred images: see docs/little_data.md. A model's base names it as
# _base_.small_data_head. Published recipes have none of this.
small_data_pixel_decoder = dict(type='mmmaskformer.FPNPixelDecoder', channels=128, mask_channels=128)
small_data_head = dict(
    transformer_decoder=dict(
        type='mmmaskformer.MaskFormerTransformerDecoder',
        num_layers=3,
        ffn_channels=1024,
        learned_queries=True,
    ),
    criterion=dict(
        type='mmmaskformer.MaskFormerCriterion',
        assigner=dict(
            type='mmmaskformer.HungarianAssigner',
            costs=[
                dict(type='mmmaskformer.ClassificationCost'),
                dict(type='mmmaskformer.MaskFocalCost'),
                dict(type='mmmaskformer.MaskDiceCost'),
                dict(type='mmmaskformer.HomeQueryCost', num_iterations=300, weight=5.0),
            ],
        ),
    ),
    auxiliary_classifier=dict(type='mmmaskformer.MaskPooledClassifier'),
)
