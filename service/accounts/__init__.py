"""Tenants, teams, people, API keys, and who may do what."""
