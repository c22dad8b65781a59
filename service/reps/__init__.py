"""What reps get out of their notes: their own course, and a brief before the next visit."""
