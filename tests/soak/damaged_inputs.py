"""Images and label maps that are damaged, and what must come of them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import cv2
import numpy as np
import slow_readings
from damage import NAMES, damage_bytes
from mmengine.dataset import Compose
from PIL import Image

from mmmaskformer.functional.targets import label_map_to_segments
from mmmaskformer.models.decode_heads.base import named_label_errors

LOADING = [{'type': 'mmmaskformer.LoadImageFromFile'}, {'type': 'mmmaskformer.LoadAnnotations'}]
PACKING = [{'type': 'mmseg.PackSegInputs'}]
Case = tuple[str, str]
"""Kind of damage and what came of it."""


def judge(load: Callable[[], Any], expected: Callable[[], Any], unharmed: Any, *paths: Any) -> str:
    """``error`` (which names a file), ``unharmed`` or ``proven``; anything else is an AssertionError."""
    try:
        found = load()
    except (ValueError, FileNotFoundError) as error:
        if any(str(path) in str(error) for path in paths):
            return 'error'
        raise AssertionError(f'no file is named: {error!r}') from error
    assert found == expected(), 'the target differs from a slow reading'
    return 'unharmed' if found == unharmed else 'proven'


def drawing(random: Random, channels: int | None = 3) -> np.ndarray:
    """A smooth image of 8 to 32 pixels; or labels without channels."""
    height, width = random.randint(8, 24), random.randint(8, 32)
    rng = np.random.RandomState(random.randrange(2**32))
    small = rng.randint(0, 256, (3, 4, channels) if channels else (3, 4), np.uint8)
    return cv2.resize(small, (width, height), interpolation=1 if channels else 0)


def encoded(pixels: np.ndarray, suffix: str) -> bytes:
    return cv2.imencode(suffix, pixels)[1].tobytes()


def new_folder(root: Path, random: Random, number: int) -> Path:
    folder = root / f'{random.choice(NAMES)} {number}'
    folder.mkdir()
    return folder


def damaged_images(root: Path, random: Random) -> Iterator[Case]:
    """Images whose bytes were damaged; the label map is well, so the target must be, too."""
    load = Compose([*LOADING, *PACKING])
    for number in range(10**9):
        if number % 50 == 0:
            folder = new_folder(root, random, number)
        suffix = random.choice(('.jpg', '.jpg', '.png', '.bmp'))
        pixels = drawing(random, random.choice((1, 3, 4) if suffix == '.png' else (3,)))
        if suffix == '.png' and random.random() < 0.3:
            pixels = pixels.astype(np.uint16) * 257
        labels = np.arange(pixels.shape[0] * pixels.shape[1]).reshape(pixels.shape[:2]) // 40 % 19
        content = encoded(pixels, suffix)
        kind, damaged = damage_bytes(random, content)
        image, map_path = folder / f'{random.choice(NAMES)}{suffix}', folder / 'labels.png'
        image.write_bytes(damaged)
        map_path.write_bytes(encoded(labels.astype(np.uint8), '.png'))
        info = dict(img_path=str(image), seg_map_path=str(map_path), reduce_zero_label=False, seg_fields=[])
        kept: dict = {}

        def pack(info: dict = info, kept: dict = kept) -> list:
            kept.update(load(info))
            return kept['data_samples'].gt_sem_seg.data[0].tolist()

        outcome = judge(pack, labels.tolist, labels.tolist(), image, map_path)
        if outcome != 'error':
            good = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
            if not np.array_equal(kept['inputs'].numpy().transpose(1, 2, 0), good):
                undetectable = kind == 'forge_chunk' if suffix == '.png' else kind != 'truncate'
                assert undetectable, f'{kind}: an image with other pixels was accepted'
                outcome = 'other pixels, where checksums are missing or forged'
        yield f'image {suffix} {kind}', outcome


def _reduce(label: int, many_bits: bool) -> int:
    ignored = 65535 if many_bits else 255
    return label if label == ignored else ignored if label == 0 else label - 1


SEMANTIC = {  # type, prefix of names, classes, ignored label, translation of a label on disk
    'ADE20KDataset': ('.jpg', '.png', 150, 255, _reduce),
    'CityscapesDataset': (
        '_leftImg8bit.png', '_gtFine_labelTrainIds.png', 19, 255, lambda label, many_bits: label,
    ),
    'MapillaryDataset_v1': ('.jpg', '.png', 65, 255, lambda label, many_bits: 255 if label == 65 else label),
    'mmmaskformer.CamVidDataset': (
        '.jpg', '.png', 11, 255, lambda label, many_bits: 255 if label == 11 else label,
    ),
    'mmmaskformer.Ade20kFullDataset': ('.jpg', '.tif', 847, 65535, lambda label, many_bits: label),
}  # fmt: skip


def damaged_label_maps(root: Path, random: Random) -> Iterator[Case]:
    """Label maps of five data sets, damaged or drawn with wrong size, type or values."""
    from mmseg.registry import DATASETS

    for number in range(10**9):
        if number % 100 == 0:
            name = list(SEMANTIC)[number // 100 % len(SEMANTIC)]
            suffix, map_suffix, classes, ignored, translate = SEMANTIC[name]
            folder = new_folder(root, random, number)
            image, map_path = folder / f'a{suffix}', folder / f'a{map_suffix}'
            pixels = drawing(random)
            image.write_bytes(encoded(pixels, suffix[-4:]))
            config = dict(type=name, data_prefix=dict(img_path=str(folder), seg_map_path=str(folder)))
            if 'Mapillary' in name:
                config['metainfo'] = dict(classes=DATASETS.get(name).METAINFO['classes'][:65])
            dataset = DATASETS.build(dict(**config, pipeline=LOADING + PACKING, serialize_data=False))
            shape = pixels.shape[:2]
        good = _labels(random, shape, classes, ignored, translate)
        if random.random() < 0.5:
            content = _saved(good, map_suffix[-4:])
            kind, damaged = damage_bytes(random, content)
        else:
            kind, damaged = _wrong_labels(random, good, map_suffix[-4:])
        map_path.write_bytes(damaged)

        def target(dataset: Any = dataset, classes: int = classes, ignored: int = ignored) -> Any:
            sample = dataset.prepare_data(0)['data_samples']
            with named_label_errors(sample):
                return slow_readings.of_segments(
                    label_map_to_segments(sample.gt_sem_seg.data[0], classes, ignored)
                )

        settings = translate, classes, ignored
        before = slow_readings.semantic(_saved(good, map_suffix[-4:]), *settings)
        after = lambda: slow_readings.semantic(damaged, *settings)  # noqa: B023, E731
        yield f'label map {map_suffix[-4:]} {kind}', judge(target, after, before, image, map_path)


def _labels(random: Random, shape: tuple, classes: int, ignored: int, translate: Callable) -> np.ndarray:
    """Labels as on disk, of which none is wrong."""
    maximum = 65536 if ignored > 255 else 256
    many = maximum > 256
    fine = [
        v
        for v in (*range(min(maximum, classes + 2)), ignored)
        if _is_fine(translate(v, many), classes, ignored)
    ]
    chosen = random.sample(fine, min(5, len(fine)))
    rng = np.random.RandomState(random.randrange(2**32))
    small = np.array(chosen)[rng.randint(0, len(chosen), (4, 4))].astype(np.uint16 if many else np.uint8)
    return cv2.resize(small, shape[::-1], interpolation=cv2.INTER_NEAREST)


def _is_fine(label: int, classes: int, ignored: int) -> bool:
    return label == ignored or 0 <= label < classes


def _saved(labels: np.ndarray, suffix: str) -> bytes:
    stream = io.BytesIO()
    options = dict(format='TIFF', compression='tiff_lzw') if suffix == '.tif' else dict(format='PNG')
    Image.fromarray(labels).save(stream, **options)
    return stream.getvalue()


def _wrong_labels(random: Random, good: np.ndarray, suffix: str) -> tuple[str, bytes]:
    kind = random.choice(
        ('size', 'value', 'color', 'alpha', 'palette', '16 bit', 'fractions', 'bits', 'jpeg')
    )
    wrong = good.copy()
    if kind == 'size':
        step = random.choice((-1, 1, 7))
        wrong = random.choice((good.T, good[:step], good[:, : abs(step)], np.pad(good, abs(step))))
    elif kind == 'value':
        wrong.flat[random.randrange(good.size)] = random.randrange(np.iinfo(good.dtype).max + 1)
    elif kind == '16 bit':
        wrong = good.astype(np.uint16) * random.choice((1, 1, 256))
    elif kind == 'bits':
        wrong = good > np.median(good)
    elif kind == 'fractions':
        stream = io.BytesIO()
        Image.fromarray(good.astype(np.float32) / random.choice((1, 255))).save(stream, format='TIFF')
        return kind, stream.getvalue()
    elif kind != 'palette' or good.dtype != np.uint8:
        image = Image.fromarray(good.astype(np.uint8)).convert('LA' if kind == 'alpha' else 'RGB')
        stream = io.BytesIO()
        image.convert('L' if kind == 'jpeg' else image.mode).save(stream, 'JPEG' if kind == 'jpeg' else 'PNG')
        return kind, stream.getvalue()
    else:
        image = Image.fromarray(good)
        image.putpalette([random.randrange(256) for _ in range(768)])
        stream = io.BytesIO()
        image.save(stream, 'PNG')
        return kind, stream.getvalue()
    return kind, _saved(np.ascontiguousarray(wrong), suffix)
