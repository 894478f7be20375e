"""The clinic's store: this programmer's key, its bonds, and every therapy intent before it is sent.

SQLite through SQLAlchemy, one file, written and synced before a method returns. Identities here are training
identities; the private key never leaves the file except into a handshake.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError

from programmer_tui.intents import Intent, IntentKind, IntentState
from protocol.client import BondKey

SCHEMA_VERSION: Final = 2
KEY_SIZE: Final = 32

_METADATA: Final = sa.MetaData()
_STORE: Final = sa.Table(
    "store",
    _METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("schema_version", sa.Integer, nullable=False),
    sa.Column("private_key", sa.LargeBinary(KEY_SIZE), nullable=False),
)
_PUMPS: Final = sa.Table(
    "pump",
    _METADATA,
    sa.Column("static_public", sa.LargeBinary(KEY_SIZE), primary_key=True),
    sa.Column("slot", sa.Integer, nullable=False),
    sa.Column("serial", sa.String(16), nullable=False),
    sa.Column("boot_count", sa.Integer, nullable=False, default=0),
    sa.Column("time_base", sa.Integer, nullable=False, default=0),
    sa.Column("log_epoch", sa.Integer, nullable=False, default=0),
    sa.Column("log_last_seq", sa.Integer, nullable=False, default=0),
)
_INTENTS: Final = sa.Table(
    "intent",
    _METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("intent_id", sa.LargeBinary(16), nullable=False, unique=True),
    sa.Column("pump_public", sa.LargeBinary(KEY_SIZE), nullable=False),
    sa.Column("what", sa.String(120), nullable=False),
    sa.Column("base_version", sa.Integer, nullable=False),
    sa.Column("digest", sa.LargeBinary(KEY_SIZE), nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("created_utc_s", sa.Integer, nullable=False),
    sa.Column("settled_utc_s", sa.Integer, nullable=False, default=0),
    sa.Column("receipt_version", sa.Integer, nullable=False, default=0),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("subject", sa.Integer, nullable=False),
    sa.Column("log_seq", sa.Integer, nullable=False),
    sa.Column("actor_slot", sa.Integer, nullable=False),
)
_SINCE_VERSION_2: Final = {
    "kind": f"VARCHAR(16) NOT NULL DEFAULT '{IntentKind.PROGRAM.value}'",
    "subject": "INTEGER NOT NULL DEFAULT 0",
    "log_seq": "INTEGER NOT NULL DEFAULT 0",
    "actor_slot": "INTEGER NOT NULL DEFAULT 0",
}
"""Columns of an intent that a store of version 1, which knew programs only, does not have."""


class RecordsError(Exception):
    """The store cannot be opened, read or written; the text says where and what would be right."""


@dataclass(frozen=True, slots=True)
class StoredPump:
    """One bond: the pump's key, our slot in it, its serial number, and where it stood when last seen."""

    static_public: bytes
    slot: int
    serial: str
    boot_count: int = 0
    time_base: int = 0
    log_epoch: int = 0
    log_last_seq: int = 0


class Records:
    """The open store.

    Args:
        path: the SQLite file; its folder is made, both readable by their owner only.
        entropy: source of the private key when the store is new.

    Raises:
        RecordsError: the file cannot be opened, or is of another schema version.
    """

    def __init__(self, path: Path, entropy: Callable[[int], bytes]) -> None:
        self._path = path
        with self._told("open"):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Made here with its mode: SQLite itself would make it readable by everyone.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.pool.NullPool)
            sa.event.listen(self._engine, "connect", _make_durable)
            _METADATA.create_all(self._engine)
        self._private_key = self._open_store(entropy)

    @property
    def private_key(self) -> bytes:
        """This programmer's X25519 private key."""
        return self._private_key

    def _open_store(self, entropy: Callable[[int], bytes]) -> bytes:
        with self._told("read"), self._engine.begin() as connection:
            row = connection.execute(sa.select(_STORE)).first()
            if row is None:
                key = entropy(KEY_SIZE)
                connection.execute(
                    _STORE.insert().values(id=1, schema_version=SCHEMA_VERSION, private_key=key)
                )
                return key
            if row.schema_version == 1:
                _bring_up_to_date(connection)
                return bytes(row.private_key)
        if row.schema_version != SCHEMA_VERSION:
            raise RecordsError(
                f"{self._path} has schema version {row.schema_version}; this programmer reads "
                f"{SCHEMA_VERSION}. Use the version of cisterna that wrote it, or another file."
            )
        return bytes(row.private_key)

    # --- pumps ------------------------------------------------------------------------------------------

    def pumps(self) -> tuple[StoredPump, ...]:
        """Return every pump this programmer is bonded to, by serial number."""
        with self._told("read"), self._engine.connect() as connection:
            rows = connection.execute(sa.select(_PUMPS).order_by(_PUMPS.c.serial)).mappings()
            return tuple(StoredPump(**row) for row in rows)

    def bond_key(self, pump: StoredPump) -> BondKey:
        """Return the key that opens a session with ``pump``."""
        return BondKey(pump.static_public, pump.slot, self._private_key)

    def remember_pump(self, pump: StoredPump) -> None:
        """Store ``pump``, over what was known of it."""
        values = {name: getattr(pump, name) for name in StoredPump.__dataclass_fields__}
        with self._told("write"), self._engine.begin() as connection:
            connection.execute(_PUMPS.delete().where(_PUMPS.c.static_public == pump.static_public))
            connection.execute(_PUMPS.insert().values(**values))

    # --- intents ----------------------------------------------------------------------------------------

    def store_intent(self, intent: Intent) -> None:
        """Store a new intent; call it before the intent is told to the pump."""
        values = {name: getattr(intent, name) for name in Intent.__dataclass_fields__} | {
            "state": intent.state.value,
            "kind": intent.kind.value,
        }
        with self._told("write"), self._engine.begin() as connection:
            connection.execute(_INTENTS.insert().values(settled_utc_s=0, **values))

    def mark_sent(self, intent_id: bytes) -> None:
        """Book that the commit of ``intent_id`` is about to be sent: from now on its outcome is open."""
        self._update(intent_id, state=IntentState.SENT.value)

    def settle(self, intent_id: bytes, applied: bool, version: int, utc_s: int) -> None:
        """Book what the pump's receipt says of ``intent_id``."""
        state = IntentState.APPLIED if applied else IntentState.NOT_APPLIED
        self._update(intent_id, state=state.value, receipt_version=version, settled_utc_s=utc_s)

    def open_intents(self, pump_public: bytes) -> tuple[Intent, ...]:
        """Return the intents for a pump that were sent and not settled, oldest first."""
        return self._intents(
            _INTENTS.c.pump_public == pump_public, _INTENTS.c.state == IntentState.SENT.value
        )

    def intents(self) -> tuple[Intent, ...]:
        """Return every intent, oldest first."""
        return self._intents()

    def _intents(self, *conditions: sa.ColumnElement[bool]) -> tuple[Intent, ...]:
        names = Intent.__dataclass_fields__
        query = (
            sa.select(*(_INTENTS.c[name] for name in names)).where(*conditions).order_by(_INTENTS.c.number)
        )
        with self._told("read"), self._engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return tuple(_intent(dict(row)) for row in rows)

    def _update(self, intent_id: bytes, **values: str | int) -> None:
        with self._told("write"), self._engine.begin() as connection:
            result = connection.execute(
                _INTENTS.update().where(_INTENTS.c.intent_id == intent_id).values(**values)
            )
            if result.rowcount != 1:
                raise RecordsError(f"{self._path} does not hold intent {intent_id.hex()}.")

    @contextmanager
    def _told(self, doing: str) -> Iterator[None]:
        """Turn whatever the store raises into one error that names the file."""
        try:
            yield
        except (OSError, SQLAlchemyError) as error:
            reason = str(getattr(error, "orig", None) or error)
            raise RecordsError(
                f"Cannot {doing} the clinic's records at {self._path}: {reason}. "
                "Check that the folder is writable and has space, or name another file with --records."
            ) from error


def _bring_up_to_date(connection: sa.Connection) -> None:
    """Bring a store of version 1 to version 2; whatever was done of it before is not done again."""
    there = {column["name"] for column in sa.inspect(connection).get_columns("intent")}
    for name, kind in _SINCE_VERSION_2.items():
        if name not in there:
            connection.execute(sa.text(f"ALTER TABLE intent ADD COLUMN {name} {kind}"))
    connection.execute(_STORE.update().values(schema_version=SCHEMA_VERSION))


def _intent(row: dict[str, Any]) -> Intent:
    return Intent(**(row | {"state": IntentState(row["state"]), "kind": IntentKind(row["kind"])}))


def _make_durable(connection: DBAPIConnection, _record: object) -> None:
    """What has been acknowledged must survive a power cut: sync at every commit."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


__all__ = ["Intent", "IntentKind", "IntentState", "Records", "RecordsError", "StoredPump"]
