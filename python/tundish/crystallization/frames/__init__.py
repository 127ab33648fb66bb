"""Frames of a mould flux and the readings beside them: how they are read, repaired and measured."""
