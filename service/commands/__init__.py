"""The command lines of the rooms: they wire what they need, so they stand above all rooms."""
