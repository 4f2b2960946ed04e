"""Models side by side: costs, scores, curves, classes, and what single queries do."""

from .comparison import compare_costs, compare_models
from .contest import Contest, prepare_data, train_all
from .evaluation import evaluate_run
from .per_class import class_scores, pair_classes, write_class_table
from .queries import look_at_queries
from .records import read_records
from .report import publish, write_query_sheet, write_report
from .runs import Run, find_runs
from .table import markdown_table, write_table

__all__ = [
    'Contest',
    'Run',
    'class_scores',
    'compare_costs',
    'compare_models',
    'evaluate_run',
    'find_runs',
    'look_at_queries',
    'markdown_table',
    'pair_classes',
    'prepare_data',
    'publish',
    'read_records',
    'train_all',
    'write_class_table',
    'write_query_sheet',
    'write_report',
    'write_table',
]
