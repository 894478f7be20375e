"""The clinic's store: intents of every kind, and stores that an earlier version wrote."""

import sqlite3
from pathlib import Path

import pytest

from programmer_tui.records import Intent, IntentKind, IntentState, Records, RecordsError, StoredPump

PUMP = bytes(range(32))


def entropy(count: int) -> bytes:
    return bytes(count)


def an_intent(kind: IntentKind, number: int = 1) -> Intent:
    return Intent(
        bytes([number]) * 16, PUMP, "something", 3, b"", 99, kind=kind, subject=5, log_seq=41, actor_slot=2
    )


@pytest.mark.parametrize("kind", IntentKind)
def test_an_intent_is_kept_as_it_was_stored_until_it_is_settled(tmp_path: Path, kind: IntentKind) -> None:
    intent = an_intent(kind)
    store = Records(tmp_path / "records.sqlite", entropy)
    store.store_intent(intent)
    assert Records(tmp_path / "records.sqlite", entropy).intents() == (intent,)
    assert store.open_intents(PUMP) == ()
    store.mark_sent(intent.intent_id)
    (opened,) = store.open_intents(PUMP)
    assert (opened.kind, opened.subject, opened.log_seq, opened.actor_slot) == (kind, 5, 41, 2)
    assert store.open_intents(bytes(32)) == ()
    store.settle(intent.intent_id, applied=True, version=4, utc_s=100)
    (settled,) = store.intents()
    assert (settled.state, settled.receipt_version) == (IntentState.APPLIED, 4)


def version_1(path: Path) -> None:
    """Write a store as version 1 did."""
    with sqlite3.connect(path) as connection:
        connection.executescript(
            """
            CREATE TABLE store (id INTEGER PRIMARY KEY, schema_version INTEGER NOT NULL,
                private_key BLOB NOT NULL);
            CREATE TABLE pump (static_public BLOB PRIMARY KEY, slot INTEGER NOT NULL,
                serial VARCHAR(16) NOT NULL, boot_count INTEGER NOT NULL, time_base INTEGER NOT NULL,
                log_epoch INTEGER NOT NULL,
                log_last_seq INTEGER NOT NULL);
            CREATE TABLE intent (number INTEGER PRIMARY KEY AUTOINCREMENT, intent_id BLOB NOT NULL UNIQUE,
                pump_public BLOB NOT NULL, what VARCHAR(120) NOT NULL, base_version INTEGER NOT NULL,
                digest BLOB NOT NULL, state VARCHAR(12) NOT NULL, created_utc_s INTEGER NOT NULL,
                settled_utc_s INTEGER NOT NULL, receipt_version INTEGER NOT NULL);
            """
        )
        connection.execute("INSERT INTO store VALUES (1, 1, ?)", (bytes(range(32)),))
        connection.execute("INSERT INTO pump VALUES (?, 3, 'VP20-000001', 1, 1, 1, 40)", (PUMP,))
        row = (b"\7" * 16, PUMP, "program to follow version 1", 1, bytes(32), "sent", 9, 0, 0)
        connection.execute("INSERT INTO intent VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    connection.close()


@pytest.mark.parametrize("half_done", [False, True])
def test_a_store_of_the_first_version_keeps_key_bonds_and_open_intents(
    tmp_path: Path, half_done: bool
) -> None:
    path = tmp_path / "records.sqlite"
    version_1(path)
    if half_done:
        with sqlite3.connect(path) as connection:
            connection.execute("ALTER TABLE intent ADD COLUMN kind VARCHAR(16) NOT NULL DEFAULT 'program'")
        connection.close()
    store = Records(path, entropy)
    assert store.private_key == bytes(range(32))
    assert store.pumps() == (StoredPump(PUMP, 3, "VP20-000001", 1, 1, 1, 40),)
    (opened,) = store.open_intents(PUMP)
    assert (opened.kind, opened.state, opened.log_seq) == (IntentKind.PROGRAM, IntentState.SENT, 0)
    store.store_intent(an_intent(IntentKind.BOLUS))
    assert len(Records(path, entropy).intents()) == 2


def test_a_store_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    Records(path, entropy)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE store SET schema_version = 3")
    connection.close()
    with pytest.raises(RecordsError, match="schema version 3; this programmer reads 2"):
        Records(path, entropy)
