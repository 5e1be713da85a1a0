"""``python -m cli`` is ``marrow``."""

from cli.main import main

main()
