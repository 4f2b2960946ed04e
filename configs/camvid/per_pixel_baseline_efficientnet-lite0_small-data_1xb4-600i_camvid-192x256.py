_base_ = './maskformer_efficientnet-lite0_small-data_1xb4-600i_camvid-192x256.py'

head = _base_.model.decode_head
kept = {key: head[key] for key in ('in_channels', 'num_classes', 'pixel_decoder')}
model = dict(decode_head=dict(_delete_=True, type='mmmaskformer.PerPixelBaselineHead', **kept))
