# Mask2Former with sizes and auxiliary classifier of the small-data recipe; its queries are learned anyway.
_base_ = './mask2former_efficientnet-lite0.py'

model = dict(
    decode_head=dict(
        pixel_decoder=dict(type='mmmaskformer.MSDeformAttnPixelDecoder', num_layers=3),
        transformer_decoder=dict(
            type='mmmaskformer.Mask2FormerTransformerDecoder', num_layers=3, ffn_channels=1024
        ),
        criterion=dict(type='mmmaskformer.Mask2FormerCriterion', num_points=3072),
        auxiliary_classifier=dict(type='mmmaskformer.AuxiliaryPixelClassifier'),
    )
)
