# The network of maskformer_r18_toy.py with MaX-DeepLab's losses.
_base_ = './maskformer_r18_toy.py'
model = dict(decode_head=dict(type='mmmaskformer.MaXDeepLabHead'))
