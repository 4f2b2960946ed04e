_base_ = './semantic_r.py'
