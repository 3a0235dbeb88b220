"""Fit the retrieval models, write them to a folder and read them back."""

from apps.candidates.services.fit import (
    Background,
    fit_company,
    fit_content,
    fit_groups,
    fit_neighborhood,
    fit_next,
    fit_retrieval,
    fit_vectors,
    interactions,
    read_background,
)
from apps.candidates.services.store import load_retrieval, save_retrieval, with_newer

__all__ = [
    "Background",
    "fit_company",
    "fit_content",
    "fit_groups",
    "fit_neighborhood",
    "fit_next",
    "fit_retrieval",
    "fit_vectors",
    "interactions",
    "load_retrieval",
    "read_background",
    "save_retrieval",
    "with_newer",
]
