"""How an older store becomes today's: one file per schema, run by `besa db upgrade`."""
