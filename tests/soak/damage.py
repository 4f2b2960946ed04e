"""Ways in which files go bad, drawn from a generator: the same seed does the same damage."""

from __future__ import annotations

import copy
import json
import math
import struct
import zlib
from random import Random
from typing import Any

NAMES = (
    'plain', 'zwölf Straßen', 'cafe\u0301', '街道 写真', '🚦🚗', 'a b\tc', "it's {0} %s",
    'x' * 120, 'дорога', 'byte\udce9\udcff',
)  # fmt: skip
JUNK: tuple[Any, ...] = (
    None, '', 'x', '7', 'ü\ud800', -1, 0, 1, 2, 3, 1.5, math.nan, math.inf, -math.inf, 10**30, 2**31, True,
    False, [], {}, [[]], [None], {'id': 1}, ['a', 'b'], [1e300, -1e300, 0, 0, 1e9, 5],
)  # fmt: skip


def damage_bytes(random: Random, content: bytes) -> tuple[str, bytes]:
    """One kind of damage, and the bytes after it; they may happen to be as before."""
    kinds = [truncate, flip_bits, overwrite, remove, insert, repeat, replace, append]
    if content.startswith(b'\x89PNG'):
        kinds += [damage_chunks, forge_chunk]
    kind = random.choice(kinds)
    return kind.__name__, kind(random, content)


def truncate(random: Random, content: bytes) -> bytes:
    return content[: random.choice((random.randrange(len(content)), len(content) - random.randint(1, 20)))]


def flip_bits(random: Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 8, 64))):
        changed[random.randrange(len(content))] ^= 1 << random.randrange(8)
    return bytes(changed)


def overwrite(random: Random, content: bytes) -> bytes:
    start, length = random.randrange(len(content)), random.choice((1, 4, 16, 512))
    filling = random.choice((b'\0' * length, b'\xff' * length, random.randbytes(length)))
    return (content[:start] + filling + content[start + length :])[: len(content)]


def remove(random: Random, content: bytes) -> bytes:
    start = random.randrange(len(content))
    return content[:start] + content[start + random.choice((1, 2, 16, 512)) :]


def insert(random: Random, content: bytes) -> bytes:
    start = random.randrange(len(content) + 1)
    return content[:start] + random.randbytes(random.choice((1, 2, 16))) + content[start:]


def repeat(random: Random, content: bytes) -> bytes:
    start, length = random.randrange(len(content)), random.choice((1, 8, 64))
    return content[: start + length] + content[start:]


def replace(random: Random, content: bytes) -> bytes:
    return random.choice(
        (b'', b'\0' * len(content), random.randbytes(len(content)), b'<html>404 Not Found</html>', b'GIF89a',
         b'\xff\xd8\xff\xd9', b'\x89PNG\r\n\x1a\n', b'version https://git-lfs.github.com/spec/v1\n')
    )  # fmt: skip


def append(random: Random, content: bytes) -> bytes:
    return content + random.randbytes(random.choice((1, 100)))


def damage_chunks(random: Random, content: bytes) -> bytes:
    """Leave out, repeat or swap parts of a PNG."""
    chunks = _chunks(content)
    one, other = (random.randrange(len(chunks)) for _ in range(2))
    kind = random.randrange(3)
    if kind == 0:
        del chunks[one]
    elif kind == 1:
        chunks.insert(other, chunks[one])
    else:
        chunks[one], chunks[other] = chunks[other], chunks[one]
    return content[:8] + b''.join(chunks)


def forge_chunk(random: Random, content: bytes) -> bytes:
    """Alter a part of a PNG and its checksum with it: what is then whole may be another image."""
    chunks = _chunks(content)
    one = random.randrange(len(chunks))
    body = bytearray(chunks[one][4:-4])
    body[random.randrange(len(body))] ^= 1 << random.randrange(8)
    chunks[one] = chunks[one][:4] + bytes(body) + struct.pack('>I', zlib.crc32(body))
    return content[:8] + b''.join(chunks)


def _chunks(content: bytes) -> list[bytes]:
    chunks, place = [], 8
    while place < len(content):
        length = struct.unpack_from('>I', content, place)[0]
        chunks.append(content[place : place + 12 + length])
        place += 12 + length
    return chunks


def damage_json(random: Random, document: dict) -> tuple[str, str]:
    """Edit one to three places of a JSON file."""
    document = copy.deepcopy(document)
    kinds = set()
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        places = list(_places(document))
        if not places:
            break
        owner, key = random.choice(places)
        kind = random.choice(('delete', 'junk', 'duplicate', 'exchange', 'shift'))
        _edit(random, kind, owner, key, places)
        kinds.add(kind)
    return '+'.join(sorted(kinds)), json.dumps(document)


def _edit(random: Random, kind: str, owner: Any, key: Any, places: list) -> None:
    if kind == 'delete':
        del owner[key]
    elif kind == 'duplicate' and isinstance(owner, list):
        owner.insert(key, copy.deepcopy(owner[key]))
    elif kind == 'shift' and isinstance(owner[key], int | float):
        owner[key] += random.choice((-1, 1, 10, 0.5, 1000))
    elif kind == 'exchange':
        other, place = random.choice(places)
        owner[key] = copy.deepcopy(other[place])
    else:
        owner[key] = copy.deepcopy(random.choice(JUNK))


def _places(node: Any) -> Any:
    """All places of values in nested lists and objects."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        yield node, key
        if isinstance(value, dict | list):
            yield from _places(value)
