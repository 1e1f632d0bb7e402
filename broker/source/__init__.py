"""Where messages come from: Kafka, or a spool folder where there is no Kafka.

Both give `broker.model.intake.Message` and behave as `Source` says.
"""

from broker.source.protocol import Gone, Receipts, Source, SourceError

__all__ = ["Gone", "Receipts", "Source", "SourceError"]
