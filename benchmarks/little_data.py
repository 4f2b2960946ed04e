"""How fast MaskFormer and PerPixelBaseline learn from a few hundred images, over sets, weights and seeds.

Needs a folder with ``camvid`` and ``ccp``. Each training runs in a process of its own and leaves a JSON file
under ``runs/``; finished ones are skipped, so an interrupted benchmark is started again by the same command::

    python benchmarks/little_data.py data --seeds 0 1 2 3 4
    python benchmarks/little_data.py data --report       # the table and the figure alone
"""

import argparse
import itertools
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import matplotlib.pyplot as plt
from mmengine.config import Config
from mmengine.runner import Runner

import mmmaskformer  # noqa: F401
from mmmaskformer.analysis.scores import read_records

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / 'benchmarks/results/little_data'
SIZES = {'camvid': 'camvid-192x256', 'ccp': 'ccp-256x192'}
BACKBONES = {'lite0': 'efficientnet-lite0', 'random': 'r18'}
SYSTEMS = {
    'per_pixel_baseline': 'PerPixelBaseline',
    'maskformer': 'MaskFormer, small-data recipe',
    'unpooled': 'MaskFormer, classes from queries alone',
    'mask2former': 'Mask2Former, small-data recipe',
    'mask2former_all_pixels': 'Mask2Former, losses of all pixels',
    'eomt': 'EoMT, a tiny ViT',
    'published_head': "MaskFormer, the paper's head",
    'mmseg_head': "mmseg's MaskFormerHead",
}
CONFIG_OF = {
    'published_head': 'maskformer',
    'unpooled': 'maskformer',
    'mask2former_all_pixels': 'mask2former',
}
ONE_CHOICE = {  # weights of systems that have a config for CamVid alone
    'mmseg_head': 'lite0',
    'mask2former': 'lite0',
    'mask2former_all_pixels': 'lite0',
    'eomt': 'random',
}
SMALL_DATA_PARTS = ('transformer_decoder', 'criterion', 'auxiliary_classifier', 'num_queries')
INTERVAL = 150
SHOWN = (150, 300, 600)
BEGIN, END = '<!-- results of benchmarks/little_data.py -->', '<!-- end of results -->'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('data', type=Path, help='folder that holds camvid and ccp')
    parser.add_argument('--sets', nargs='+', default=list(SIZES), choices=SIZES)
    parser.add_argument('--weights', nargs='+', default=list(BACKBONES), choices=BACKBONES)
    parser.add_argument('--systems', nargs='+', default=['per_pixel_baseline', 'maskformer'], choices=SYSTEMS)
    parser.add_argument('--seeds', nargs='+', type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument('--iterations', type=int, default=600)
    parser.add_argument(
        '--half', action='store_true', help='images and crops of half the edge: 3 times faster'
    )
    parser.add_argument('--out', type=Path, default=OUT)
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/little_data'))
    parser.add_argument('--report', action='store_true', help='train nothing, write table and figure')
    parser.add_argument('--write', type=Path, help='a document for the table; the figure goes beside it')
    parser.add_argument('--one', action='store_true', help='train in this process the one run that is named')
    args = parser.parse_args()
    runs = list(itertools.product(args.seeds, args.sets, args.weights, args.systems))
    if args.one:
        train(*runs[0], args)
        return
    for run in runs if not args.report else ():
        if is_measured(*run) and not file_of(*run, args).exists():
            seed, data_set, weights, system = run
            choice = ['--sets', data_set, '--weights', weights, '--systems', system, '--seeds', str(seed)]
            budget = ['--iterations', str(args.iterations), '--out', args.out, '--work-dir', args.work_dir]
            half = ['--half'] if args.half else []
            command = [sys.executable, __file__, args.data, '--one', *choice, *budget, *half]
            subprocess.run([str(part) for part in command], check=True)
            report(args.out)
    report(args.out)
    if args.write:
        publish(args.out, args.write)


def is_measured(seed: int, data_set: str, weights: str, system: str) -> bool:
    """Some systems have a config for CamVid alone, with one choice of weights."""
    return system not in ONE_CHOICE or (data_set, weights) == ('camvid', ONE_CHOICE[system])


def file_of(seed: int, data_set: str, weights: str, system: str, args: argparse.Namespace) -> Path:
    size = '_half' if args.half else ''
    return args.out / 'runs' / f'{data_set}{size}_{weights}_{system}_{args.iterations}i_seed{seed}.json'


def config_of(data_set: str, weights: str, system: str) -> Config:
    if system == 'mmseg_head':
        return Config.fromfile(ROOT / 'benchmarks/configs/mmseg_maskformer_lite0_camvid.py')
    model = CONFIG_OF.get(system, system)
    recipe = 'vit-t' if system == 'eomt' else f'{BACKBONES[weights]}_small-data'
    name = f'{model}_{recipe}_1xb4-600i_{SIZES[data_set]}.py'
    cfg = Config.fromfile(ROOT / 'configs' / data_set / name)
    if system == 'published_head':
        for key in SMALL_DATA_PARTS:
            cfg.model.decode_head.pop(key, None)
    if system == 'unpooled':
        cfg.model.decode_head.auxiliary_classifier.type = 'mmmaskformer.AuxiliaryPixelClassifier'
    if system == 'mask2former_all_pixels':
        cfg.model.decode_head.criterion.num_points = None
    return cfg


def halve(cfg: Config) -> None:
    """Take images and crops at half of their edges."""
    train_pipeline = cfg.train_dataloader.dataset.pipeline
    for transform in (*train_pipeline, *cfg.val_dataloader.dataset.pipeline):
        for key in ('scale', 'crop_size', 'size'):
            if key in transform:
                transform[key] = tuple(edge // 2 for edge in transform[key])


def train(seed: int, data_set: str, weights: str, system: str, args: argparse.Namespace) -> None:
    """Train one model, an interrupted one from its last checkpoint, and write its scores."""
    path = file_of(seed, data_set, weights, system, args)
    cfg = config_of(data_set, weights, system)
    if args.half:
        halve(cfg)
    for scheduler in cfg.param_scheduler:
        if scheduler.end > cfg.train_cfg.max_iters:
            scheduler.end = args.iterations + 1
    cfg.train_cfg.update(max_iters=args.iterations, val_interval=INTERVAL)
    cfg.default_hooks.checkpoint.update(interval=INTERVAL, save_best=None, max_keep_ckpts=1)
    cfg.default_hooks.pop('visualization', None)
    for phase in ('train', 'val', 'test'):
        loader = cfg[f'{phase}_dataloader']
        loader.update(num_workers=0, persistent_workers=False)
        loader.dataset.data_root = str(args.data / data_set)
    cfg.randomness = dict(seed=seed)
    cfg.work_dir = str(args.work_dir / path.stem)
    cfg.resume = (Path(cfg.work_dir) / 'last_checkpoint').is_file()
    start = time.process_time()
    runner = Runner.from_cfg(cfg)
    runner.train()
    scores = {
        record['step']: record['mIoU'] for record in read_records(Path(cfg.work_dir)) if 'mIoU' in record
    }
    size = ', half size' if args.half else ''
    result = dict(set=data_set + size, weights=weights, system=system, seed=seed, iterations=args.iterations)
    minutes = round((time.process_time() - start) / 60, 1)
    result |= dict(mIoU=scores, minutes=minutes, resumed=bool(cfg.resume))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + '\n')


def read_runs(out: Path) -> dict[tuple, list[dict]]:
    """Finished runs by set, weights, iterations and system."""
    groups = defaultdict(list)
    for path in sorted((out / 'runs').glob('*.json')):
        run = json.loads(path.read_text())
        groups[run['set'], run['weights'], run['iterations'], run['system']].append(run)
    return dict(sorted(groups.items(), key=lambda item: (*item[0][:3], list(SYSTEMS).index(item[0][3]))))


def report(out: Path) -> None:
    """Write table.md and curves.png of what is finished."""
    groups = read_runs(out)
    if not groups:
        return
    (out / 'table.md').write_text('\n'.join(table(groups)) + '\n')
    draw(groups, out / 'curves.png')


def publish(out: Path, document: Path) -> None:
    """Put the table between the marks of a document, and the figure beside it."""
    before, begin, rest = document.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f'{document} has no place for the table; expected the lines {BEGIN} and {END}')
    document.write_text(f'{before}{BEGIN}\n{(out / "table.md").read_text()}{END}{after}')
    shutil.copyfile(out / 'curves.png', document.with_suffix('.png'))


def table(groups: dict[tuple, list[dict]]) -> list[str]:
    columns = [*map(str, SHOWN), 'end', 'minutes']
    lines = [
        '| set | weights | iterations | model | seeds | ' + ' | '.join(columns) + ' |',
        '|-|-|-|-|-|' + '-|' * len(columns),
    ]
    for (data_set, weights, iterations, system), runs in groups.items():
        cells = [_spread([run['mIoU'].get(str(step)) for run in runs]) for step in (*SHOWN, iterations)]
        whole = [run['minutes'] for run in runs if not run.get('resumed')]  # others count their last part
        minutes = f'{statistics.mean(whole):.0f}' if whole else ''
        row = [data_set, weights, iterations, SYSTEMS[system], len(runs), *cells, minutes]
        lines.append('| ' + ' | '.join(str(cell) for cell in row) + ' |')
    return lines


def _spread(scores: list[float | None]) -> str:
    """Mean and, of several, the standard deviation."""
    found = [score for score in scores if score is not None]
    if not found:
        return ''
    deviation = f' ± {statistics.stdev(found):.1f}' if len(found) > 1 else ''
    return f'{statistics.mean(found):.1f}{deviation}'


def draw(groups: dict[tuple, list[dict]], path: Path) -> None:
    """A panel for each set and weights: one line for each run."""
    panels = sorted({key[:2] for key in groups})
    figure, axes = plt.subplots(1, len(panels), figsize=(4 * len(panels), 3.4), squeeze=False)
    for axis, panel in zip(axes[0], panels):
        for (*which, _, system), runs in groups.items():
            color = f'C{list(SYSTEMS).index(system)}'
            for run in runs if tuple(which) == panel else ():
                steps = [int(step) for step in run['mIoU']]
                axis.plot(steps, list(run['mIoU'].values()), color=color, alpha=0.7, label=SYSTEMS[system])
        lines = dict(zip(*reversed(axis.get_legend_handles_labels())))
        axis.legend(lines.values(), lines.keys(), fontsize=7)
        axis.set(title=f'{panel[0]}, {panel[1]} weights', xlabel='iterations', ylabel='mIoU')
    figure.tight_layout()
    figure.savefig(path, dpi=90)
    plt.close(figure)


if __name__ == '__main__':
    main()
