_base_ = './maskformer_swin-b.py'

# Pure ImageNet-22k weights of this size are published for MMSegmentation only; the names are the same.
zoo = 'https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/swin'
checkpoint = f'{zoo}/swin_base_patch4_window12_384_22k_20220317-e5c09f74.pth'
model = dict(backbone=dict(init_cfg=dict(checkpoint=checkpoint, prefix=None)))
