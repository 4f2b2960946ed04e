_base_ = './mask2former_swin-t.py'

zoo = 'https://download.openmmlab.com/mmclassification/v0/swin-transformer/convert'
checkpoint = f'{zoo}/swin_small_patch4_window7_224-cc7a01c9.pth'
model = dict(backbone=dict(arch='small', init_cfg=dict(checkpoint=checkpoint)))
