"""The distribution mmmaskformer-runtime: the folder mmmaskformer/runtime of this repository, no more.

It has no ``mmmaskformer/__init__.py``, so that ``mmmaskformer.runtime`` is found without the full package,
and with it where both are installed.
"""

from __future__ import annotations

import re
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).resolve().parent.parent
VERSION = re.search(r"__version__ = '(.+)'", (ROOT / 'mmmaskformer/version.py').read_text()).group(1)

setup(
    name='mmmaskformer-runtime',
    version=VERSION,
    description='Prediction with exported models of mmmaskformer: NumPy and onnxruntime, without PyTorch',
    long_description=(Path(__file__).parent / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    packages=['mmmaskformer.runtime'],
    package_dir={'mmmaskformer.runtime': '../mmmaskformer/runtime'},
    python_requires='>=3.10',
    install_requires=['numpy>=1.24', 'onnxruntime>=1.17'],
    extras_require={
        'opencv': ['opencv-python-headless>=4.6'],
        'pillow': ['pillow>=9.4'],
        'openvino': ['openvino>=2024.0'],
    },
    zip_safe=False,
)
