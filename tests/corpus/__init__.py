"""A labelled corpus of sentences, and how well each detector does on it."""
