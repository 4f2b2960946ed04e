# In the released models, outputs of the classifier are the ids of COCO's categories.
_base_ = './detr_r50.py'

model = dict(
    decode_head=dict(
        num_classes=133,
        num_columns=250,
        class_columns=[
            *(*range(1, 12), *range(13, 26), 27, 28, *range(31, 45), *range(46, 66)),
            *(
                67,
                70,
                *range(72, 83),
                *range(84, 91),
                92,
                93,
                95,
                100,
                107,
                109,
                112,
                118,
                119,
                122,
                125,
                128,
            ),
            *(130, 133, 138, 141, 144, 145, 147, 148, 149, 151, 154, 155, 156, 159, 161, 166, 168, 171),
            *(*range(175, 179), 180, 181, *range(184, 201)),
        ],
    ),
    test_cfg=dict(panoptic=dict(score_thr=0.85), instance=dict()),
)
