"""The formulas: pure torch and numpy, without OpenMMLab."""
