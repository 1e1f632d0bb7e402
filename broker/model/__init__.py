"""The nouns: what an incident, an agreement, a decision and an edition are."""
