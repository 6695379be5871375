"""Fari: the whole subscription funnel, from visitor to MRR, on one set of definitions."""

__version__ = "0.1.0"
