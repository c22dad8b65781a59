"""A tenant's rubric in versions: weights, words of advice and questions; which version is on."""
