"""The schemas of the store, in their order; each file brings a store to its own."""
