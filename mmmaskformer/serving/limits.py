"""Limits of a server: how large, how many, how long."""

from __future__ import annotations

from dataclasses import dataclass

MEGA = 10**6


@dataclass(frozen=True)
class Limits:
    """What the server accepts, and how it groups requests.

    Attributes:
        max_bytes: Of a request.
        max_pixels: Of an image, according to its header; it is not decoded before.
        max_images: Of a request.
        max_batch: Images that go through the network together.
        max_wait: Seconds that an image waits for others to form a batch.
        max_queue: Images that may wait; requests beyond are answered with 503.
    """

    max_bytes: int = 20 * MEGA
    max_pixels: int = 40 * MEGA
    max_images: int = 16
    max_batch: int = 8
    max_wait: float = 0.005
    max_queue: int = 64

    def __post_init__(self) -> None:
        for name in ('max_bytes', 'max_pixels', 'max_images', 'max_batch', 'max_queue'):
            if getattr(self, name) < 1:
                raise ValueError(f'{name}={getattr(self, name)} must be 1 or more.')
        if self.max_wait < 0:
            raise ValueError(f'max_wait={self.max_wait} must be 0 or more seconds.')
        if self.max_queue < self.max_images:
            raise ValueError(
                f'max_queue={self.max_queue} is less than max_images={self.max_images}: a request could '
                'never be served.'
            )
