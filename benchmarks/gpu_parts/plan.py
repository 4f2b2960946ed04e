"""How long every line of the run should take on an H100, by what its first run took and by estimates."""

from __future__ import annotations

from . import PARTS
from .batch import MEASURED, RUNS
from .cases import CASES, Case
from .speed import BF16, PRECISIONS, RECORDED_STEPS, REPEATS, TF32, WARM_UP
from .subjects import names

MINUTES = 8
# Multiply-adds of a prediction of one image, as the model zoo counts them; 800x1216 by its pixels.
GIGA_MULTIPLY_ADDS = {
    ('semantic', 'R50'): 50.8,
    ('semantic', 'Swin-T'): 52.9,
    ('panoptic', 'R50'): 169.0 * 1216 / 1067,
    ('panoptic', 'Swin-T'): 167.3 * 1216 / 1067,
}
# A sixth of what matrix products of side 8192 reach in bf16 on an H100, and a sixth of the half of it.
TFLOPS = {TF32: 65.0, BF16: 130.0}
LAUNCH_SECONDS = 10e-6
# Kernels of a training step of R50 with two images, counted without a GPU; the peers match image by image.
KERNELS, KERNELS_OF_PEERS, KERNELS_OF_EACH_IMAGE = 2790, 2170, 545
BUILD_SECONDS = 2.5
FIRST_CALL_SECONDS = 1.0
COMPILE_SECONDS = 60.0  # more: the first run was stopped after 59 s
TESTS_SECONDS = 88.0
ITERATIONS, ITERATION_SECONDS, VALIDATION_SECONDS = 1400, 0.05, 4.0

HOW = {
    'environment': 'measured: more than 22 s, with imports of a fresh machine',
    'device_tests': 'measured, with 8 processes',
    'speed': 'builds, first calls, and steps: FLOPs at a sixth of the matrix rate, plus 10 us a kernel',
    'compiled_speed': 'more than a minute to compile, then as above; it gets what other parts leave',
    'batch': 'a build, and a step for each batch tried',
    'floor': 'measured: 13 s in all',
    'mask_losses': 'measured: a little more than 10 s',
    'training': '1400 iterations of 50 ms, four validations, start',
}


def table() -> str:
    """Markdown table of all lines with their seconds and how these were estimated."""
    lines = [
        ('environment and driver', 22.0, 'environment'),
        ('tests/cuda', TESTS_SECONDS, 'device_tests'),
        *((f'{case}, {name}', _speed(case, name), 'speed') for case in CASES for name in names(case)),
        *(
            (f'largest batch, {name}, {precision}', _batch(name, precision), 'batch')
            for name, precision in RUNS
        ),
        ('measured rates', 3.0, 'floor'),
        *((f'work of {case}', BUILD_SECONDS + 1.5, 'floor') for case in CASES),
        ('mask losses, fused and plain', 12.0, 'mask_losses'),
        ('CamVid, 1400 iterations', 12 + ITERATIONS * ITERATION_SECONDS + 4 * VALIDATION_SECONDS, 'training'),
        *(
            (f'compiled: {CASES[0]}, {name}', _compiled(CASES[0], name), 'compiled_speed')
            for name in names(CASES[0])[:2]
        ),
    ]
    seen: set[str] = set()
    rows = ['| line | s | limit of the part, s | estimated from |', '|-|-|-|-|']
    limits = {part.name: part.seconds for part in PARTS}
    for label, seconds, part in lines:
        first = part not in seen
        seen.add(part)
        rows.append(
            f'| {label} | {seconds:.0f} | {limits[part] if first else ""} | {HOW[part] if first else ""} |'
        )
    total = sum(seconds for _, seconds, _ in lines)
    rows.append(f'| all | {total:.0f} | {sum(limits.values())} | at most {60 * MINUTES} |')
    return '\n'.join(rows)


def _step(case: Case, name: str, precision: str, work: str = 'training') -> float:
    flops = 2e9 * GIGA_MULTIPLY_ADDS[case.task, case.backbone] * case.batch * (3 if work == 'training' else 1)
    kernels = KERNELS if name == 'ours' else KERNELS_OF_PEERS + KERNELS_OF_EACH_IMAGE * case.batch
    if work == 'prediction':
        kernels //= 4
    return flops / (1e12 * TFLOPS[TF32 if precision == TF32 else BF16]) + LAUNCH_SECONDS * kernels


def _speed(case: Case, name: str) -> float:
    return BUILD_SECONDS + sum(_rows(case, name, precision) for precision in PRECISIONS)


def _rows(case: Case, name: str, precision: str) -> float:
    calls = WARM_UP + REPEATS + 1
    training = (calls + RECORDED_STEPS) * _step(case, name, precision)
    return training + calls * _step(case, name, precision, 'prediction') + FIRST_CALL_SECONDS


def _compiled(case: Case, name: str) -> float:
    return BUILD_SECONDS + COMPILE_SECONDS + _rows(case, name, BF16)


def _batch(name: str, precision: str) -> float:
    """The measured batches, then the largest for 24 GB and one more, and the same for 80 GB."""
    for_24, for_80 = (12, 45) if name == 'ours' else (2, 7)
    tried = (1, *MEASURED, for_24, for_24 + 1, for_80, for_80 + 1)
    return BUILD_SECONDS + sum(_step(CASES[2]._replace(batch=n), name, precision) for n in tried)
