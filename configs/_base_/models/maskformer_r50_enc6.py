_base_ = './maskformer_r50.py'

# The pixel decoder of the ResNet panoptic models starts with six transformer encoder layers.
model = dict(decode_head=dict(pixel_decoder=dict(type='mmmaskformer.TransformerEncoderPixelDecoder')))
