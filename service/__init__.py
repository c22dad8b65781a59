"""The product around the analyzer: API, pages, command line."""
