_base_ = './maskformer_swin-l-in22k.py'

model = dict(decode_head=dict(type='mmmaskformer.Mask2FormerHead'))
