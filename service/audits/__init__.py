"""The trainers' audit: figures over many notes, the notes behind every figure, reports."""
