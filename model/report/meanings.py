"""What each figure answers, in one sentence a reader cannot misread."""

from __future__ import annotations

MEANINGS: dict[str, tuple[str, str, bool]] = {
    "accuracy": ("Accuracy", "Share of all rows that were answered rightly.", True),
    "constant_accuracy": (
        "Best constant answer",
        "Accuracy of always answering the most frequent class: what no skill at all reaches.",
        True,
    ),
    "balanced_accuracy": (
        "Balanced accuracy",
        "Mean recall of the classes: each class counts the same, however rare.",
        True,
    ),
    "macro_precision": (
        "Precision, macro",
        "When the model names a class, how often is it right? Mean over the classes.",
        True,
    ),
    "macro_recall": ("Recall, macro", "Of the rows of a class, how many are found? Mean over the classes.", True),
    "macro_f1": ("F1, macro", "Harmonic mean of precision and recall by class, then the mean over the classes.", True),
    "weighted_precision": ("Precision, weighted", "Precision by class, each class weighted by its rows.", True),
    "weighted_f1": ("F1, weighted", "F1 by class, each class weighted by its rows.", True),
    "roc_auc": (
        "Area under ROC",
        "The chance that a row of the second class scores above one of the first: 0.5 is chance, 1 is perfect.",
        True,
    ),
    "macro_roc_auc": (
        "Area under ROC, macro",
        "The chance that a row of a class scores above a row of another: 0.5 is chance, 1 is perfect, "
        "and well below 0.5 means that scores or labels are swapped.",
        True,
    ),
    "log_loss": (
        "Log loss",
        "Mean surprise at the true class, in nats: 0 is perfect, and being sure and wrong costs most.",
        False,
    ),
    "brier": ("Brier score", "Mean squared distance of the scores from the truth: 0 is perfect.", False),
    "ece": (
        "Calibration error",
        "Mean gap between confidence and accuracy. Chance alone makes it larger than 0.",
        True,
    ),
    "temperature": (
        "Temperature",
        "What to divide the logits by so that confidence means accuracy: above 1, the model is too sure.",
        False,
    ),
}
"""By name in `Evaluation.metrics`, in the order of the table: title, meaning, and whether it lies between 0 and 1."""
