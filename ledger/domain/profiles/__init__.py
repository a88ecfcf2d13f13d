"""The systems that run on the ledger, as data: rule book, roles, goods and products, read as bytes by who needs it."""
