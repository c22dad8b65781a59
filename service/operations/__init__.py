"""Metrics, readiness, processes, backup and restore."""
