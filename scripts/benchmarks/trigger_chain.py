"""What a user would build instead: a hash chain in a PostgreSQL trigger, under a lock on the head row."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg

WRITERS = 8

SCHEMA = """
CREATE TABLE head (one boolean PRIMARY KEY DEFAULT true, seq bigint NOT NULL, hash bytea NOT NULL);
INSERT INTO head VALUES (true, 0, '\\x00');
CREATE TABLE log (seq bigint PRIMARY KEY, hash bytea NOT NULL, data bytea NOT NULL);
CREATE FUNCTION chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE last head%ROWTYPE;
BEGIN
  SELECT * INTO last FROM head FOR UPDATE;
  NEW.seq := last.seq + 1;
  NEW.hash := sha256(last.hash || NEW.data);
  UPDATE head SET seq = NEW.seq, hash = NEW.hash;
  RETURN NEW;
END $$;
CREATE TRIGGER chain BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION chain();
"""


def rate(path: Path, events: list[bytes]) -> float:
    """Events a second, one a commit, from 8 writers."""
    script = Path(__file__).parents[1] / "lib" / "postgres.py"
    place = path / "postgres"
    os.chmod(path, 0o711)
    url = subprocess.run(
        [sys.executable, str(script), "start", str(place)], check=True, capture_output=True, text=True
    ).stdout.strip()
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(SCHEMA)
        return len(events) / _write(url, events)
    finally:
        subprocess.run([sys.executable, str(script), "stop", str(place)], check=True)


def _write(url: str, events: list[bytes]) -> float:
    shares = [events[start::WRITERS] for start in range(WRITERS)]
    ready = threading.Barrier(WRITERS + 1)

    def work(share: list[bytes]) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            ready.wait()
            for event in share:
                connection.execute("INSERT INTO log (data) VALUES (%s)", (event,))

    threads = [threading.Thread(target=work, args=(share,)) for share in shares]
    for thread in threads:
        thread.start()
    ready.wait()
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    return time.perf_counter() - started
