"""The chain side: anchors committed checkpoints in `LedgerAnchor` contracts, as a client of the ledger."""
