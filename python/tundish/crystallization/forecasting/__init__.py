"""Forecasts of a series or of frames: networks, local trends, intervals, and backtests of forecasters."""
