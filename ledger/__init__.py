"""The Gongfen ledger: signed, hash-chained, provable records of village points and credit events."""
