# What is left out here is a constructor default, and the defaults are the paper's settings.
_base_ = './maskformer_r50.py'

model = dict(decode_head=dict(type='mmmaskformer.Mask2FormerHead'))
