"""Predictions over HTTP: ``mmmaskformer serve MODEL``; see docs/serving.md.

FastAPI, uvicorn and python-multipart are needed: ``pip install 'mmmaskformer[serve]'``. Nothing here imports
PyTorch but `inferencer_model`, so that exported models are served without it.
"""
