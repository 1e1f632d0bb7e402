"""``python -m broker.cli`` is `besa`: how `besa run` starts its two processes."""

from broker.cli import main

main()
