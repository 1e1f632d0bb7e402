"""Stand-ins for the systems around Besa: for demonstrations, training and tests."""
