"""Transformation curves: the JMAK law fitted to them, and points of transformation diagrams."""
