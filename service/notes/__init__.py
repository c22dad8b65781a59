"""Stored visit notes and their analyses: writing, reading, searching, deleting, exporting."""
