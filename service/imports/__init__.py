"""Bringing in what a CRM exported: files to notes, all of a file or nothing of it."""
