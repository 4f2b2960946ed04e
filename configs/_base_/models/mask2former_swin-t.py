_base_ = './maskformer_swin-t.py'

model = dict(decode_head=dict(type='mmmaskformer.Mask2FormerHead'))
