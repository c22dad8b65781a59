"""A rubric on past notes: tried before it is switched on, applied to them where that is wanted; its pages and API."""
