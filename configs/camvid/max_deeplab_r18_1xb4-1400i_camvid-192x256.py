# The network of maskformer_r18_1xb4-1400i_camvid-192x256.py with MaX-DeepLab's losses.
_base_ = './maskformer_r18_1xb4-1400i_camvid-192x256.py'
model = dict(decode_head=dict(type='mmmaskformer.MaXDeepLabHead'))
