_base_ = './maskformer_swin-b.py'

model = dict(decode_head=dict(type='mmmaskformer.Mask2FormerHead'))
