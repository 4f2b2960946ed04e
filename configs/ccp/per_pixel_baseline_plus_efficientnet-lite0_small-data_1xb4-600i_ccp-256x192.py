_base_ = './maskformer_efficientnet-lite0_small-data_1xb4-600i_ccp-256x192.py'

head = _base_.model.decode_head
same = ('in_channels', 'num_classes', 'pixel_decoder', 'transformer_decoder')
kept = {key: head[key] for key in same}
kept.update(auxiliary_classifier=dict(type='mmmaskformer.AuxiliaryPixelClassifier'))
model = dict(decode_head=dict(_delete_=True, type='mmmaskformer.PerPixelBaselinePlusHead', **kept))
