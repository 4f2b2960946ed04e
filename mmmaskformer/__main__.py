"""``python -m mmmaskformer`` is the command ``mmmaskformer``."""

from mmmaskformer.commands import main

main()
