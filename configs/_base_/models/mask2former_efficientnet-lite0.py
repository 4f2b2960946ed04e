_base_ = './maskformer_efficientnet-lite0.py'

model = dict(decode_head=dict(type='mmmaskformer.Mask2FormerHead'))
