"""`python -m service`."""

from service.cli import app
from service.heap import give_large_blocks_back

give_large_blocks_back()
app()
