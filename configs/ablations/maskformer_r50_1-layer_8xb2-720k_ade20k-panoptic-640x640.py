_base_ = '../maskformer/maskformer_r50_8xb2-720k_ade20k-panoptic-640x640.py'

decoder = dict(type='mmmaskformer.MaskFormerTransformerDecoder', num_layers=1)
model = dict(decode_head=dict(transformer_decoder=decoder))
