"""A narrow MaX-DeepLab on which tests run."""

from __future__ import annotations

BACKBONE = dict(
    type='mmmaskformer.DualPathTransformer',
    num_slots=7,
    num_blocks=(1, 1, 2, 1),
    base_channels=4,
    stem_channels=4,
    memory_channels=12,
    transformer_channels=8,
    ffn_channels=16,
    drop_path=0.0,
)
HEAD = dict(
    type='mmmaskformer.DualPathHead',
    in_channels=[16, 32, 128, 16, 12],
    num_classes=4,
    slot_channels=12,
    embedding_channels=10,
    pixel_channels=12,
    semantic_channels=12,
    low_channels=(6, 4),
    semantic_head_channels=12,
    dropout=0.0,
)
