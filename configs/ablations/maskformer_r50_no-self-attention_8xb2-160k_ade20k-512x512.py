_base_ = '../maskformer/maskformer_r50_8xb2-160k_ade20k-512x512.py'

decoder = dict(type='mmmaskformer.MaskFormerTransformerDecoder', self_attn=False)
model = dict(decode_head=dict(transformer_decoder=decoder))
