_base_ = './semantic_swin.py'
