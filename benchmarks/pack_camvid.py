#!/usr/bin/env python
"""CamVid's training and validation frames at 320x240 as one archive.

    python benchmarks/pack_camvid.py data/camvid camvid.tar

Frames become JPEG again, label maps are reduced to the nearest pixel. Needs OpenCV.
"""

from __future__ import annotations

import argparse
import io
import tarfile
from pathlib import Path

import cv2

WIDTH, HEIGHT = 320, 240
SPLITS = ('train', 'val')
QUALITY = 92


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('camvid', type=Path, help='folder with img and ann')
    parser.add_argument('archive', type=Path)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    print(f'{pack(args.camvid, args.archive)} files in {args.archive}')


def pack(camvid: Path, archive: Path) -> int:
    """Write the archive; returns the number of files in it.

    Raises:
        FileNotFoundError: A folder is missing or empty.
    """
    number = 0
    with tarfile.open(archive, 'w') as target:
        for folder, interpolation in (('img', cv2.INTER_AREA), ('ann', cv2.INTER_NEAREST)):
            for split in SPLITS:
                paths = sorted((camvid / folder / split).glob('*.*'))
                if not paths:
                    raise FileNotFoundError(f'no files in {camvid / folder / split}: expected CamVid there')
                for path in paths:
                    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
                    small = cv2.resize(image, (WIDTH, HEIGHT), interpolation=interpolation)
                    _add(target, f'camvid/{folder}/{split}/{path.name}', small)
                    number += 1
    return number


def _add(target: tarfile.TarFile, name: str, image: cv2.typing.MatLike) -> None:
    suffix = Path(name).suffix
    options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY] if suffix in ('.jpg', '.jpeg') else []
    _, data = cv2.imencode(suffix, image, options)
    about = tarfile.TarInfo(name)
    about.size = len(data)
    target.addfile(about, io.BytesIO(data.tobytes()))


if __name__ == '__main__':
    main()
