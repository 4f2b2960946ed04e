_base_ = ['./maskformer_efficientnet-lite0.py', './small_data_head.py']

model = dict(decode_head=dict(**_base_.small_data_head, pixel_decoder=_base_.small_data_pixel_decoder))
