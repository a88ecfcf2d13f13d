"""Spreadsheets of the village's books: reading them, making events of their rows, and writing tables for people."""
