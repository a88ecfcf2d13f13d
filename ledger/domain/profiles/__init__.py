"""The systems that run on the ledger, as data: rule book, roles, goods and products. Read as bytes by whoever needs them."""
