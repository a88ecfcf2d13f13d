"""Durable state by SQLAlchemy Core: SQLite (default) or PostgreSQL. SQL stands here and nowhere else."""
