"""Use cases: taking in events, committing them, proving them, auditing them."""
