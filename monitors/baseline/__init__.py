"""What normal looks like: fit, save, load, compare two.

A directory: `baseline.json` (the contract, for machines and people), `reference.parquet` (one row a
text: numbers only, no text), `words.parquet` (document counts), and where the model was asked about
texts under strain, `strained.parquet` (numbers only). JSON and Parquet, never pickle.
"""

from monitors.baseline.comparison import check_fits, compare
from monitors.baseline.contract import Baseline
from monitors.baseline.files import load_baseline, save_baseline, whole_directory, write_baseline
from monitors.baseline.fitting import Strained, fit_baseline, refuse_training_rows

__all__ = [
    "Baseline",
    "Strained",
    "check_fits",
    "compare",
    "fit_baseline",
    "load_baseline",
    "refuse_training_rows",
    "save_baseline",
    "whole_directory",
    "write_baseline",
]
