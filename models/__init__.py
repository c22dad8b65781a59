"""How a note is understood: text in, Analysis out. No HTTP, no SQL, no clock, no network."""
