"""Compare models: costs, scores, training curves, classes, and statistics of single queries."""

from .comparison import compare_costs, compare_models, markdown_table, write_table
from .queries import look_at_queries
from .report import class_scores, pair_classes, publish, write_class_table, write_query_sheet, write_report
from .runs import Run, find_runs
from .scores import evaluate_run, read_records
from .training_comparison import TrainingComparison, prepare_data, train_all

Contest = TrainingComparison  # its name in 0.1

__all__ = [
    'Contest',
    'Run',
    'TrainingComparison',
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
