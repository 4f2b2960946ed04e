"""Classes, segments and instances of a result, which `mmmaskformer.runtime.segments` defines."""

from ..runtime.segments import Box, Classes, Segment, SegmentList, box_of, of_map, packed

__all__ = ['Box', 'Classes', 'Segment', 'SegmentList', 'box_of', 'of_map', 'packed']
