"""The sandbox's own books: one SQLite file, used by the event loop's thread alone.

Every statement here is synchronous, so whatever a handler does between two awaits is
seen by the others whole or not at all; `transaction()` makes it survive kill -9 whole.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from sandbox.schema import SCHEMA

Row = sqlite3.Row
Value = str | int | bytes | None


class Store:
    """Opened once per process; the schema is made on first use."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("pragma journal_mode = wal")
        self.connection.execute("pragma synchronous = normal")
        self.connection.execute("pragma foreign_keys = on")
        self.connection.execute("pragma cache_size = -1024")
        self._after_rollback: list[Callable[[], None]] = []
        self._take_new_kinds()
        self.connection.executescript(SCHEMA)

    def _take_new_kinds(self) -> None:
        """Books of an earlier version forbid entries of rails that came later: copy them over."""
        row = self.one("select sql from sqlite_master where name = 'bank_entries'")
        if row is None or "'baidu'" in row["sql"]:
            return
        with self.transaction():
            self.run("alter table bank_entries rename to bank_entries_before")
            before = row["sql"].replace("'alipay')", "'alipay', 'wechat')")
            self.run(before.replace("'wechat')", "'wechat', 'baidu')"))
            self.run("insert into bank_entries select * from bank_entries_before")
            self.run("drop table bank_entries_before")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; inside another transaction it simply takes part in it."""
        if self.connection.in_transaction:
            yield
            return
        self._after_rollback.clear()
        self.connection.execute("begin immediate")
        try:
            yield
        except BaseException:
            self.connection.execute("rollback")
            for again in self._after_rollback:
                again()
            raise
        self.connection.execute("commit")

    def after_rollback(self, again: Callable[[], None]) -> None:
        """What is to happen again should the transaction that is open be rolled back."""
        self._after_rollback.append(again)

    def one(self, sql: str, *values: Value) -> Row | None:
        """The first row, or None."""
        row: Row | None = self.connection.execute(sql, values).fetchone()
        return row

    def all(self, sql: str, *values: Value) -> list[Row]:
        """Every row."""
        return self.connection.execute(sql, values).fetchall()

    def run(self, sql: str, *values: Value) -> int:
        """Run a statement; returns how many rows it touched."""
        return self.connection.execute(sql, values).rowcount

    def insert(self, table: str, row: Mapping[str, Value]) -> int:
        """Put a row into a table; returns its number."""
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        self.run(f"insert into {table} ({names}) values ({marks})", *row.values())
        return self.number("select last_insert_rowid()")

    def number(self, sql: str, *values: Value) -> int:
        """The single integer a statement answers, 0 for null."""
        row = self.one(sql, *values)
        return int(row[0] or 0) if row else 0

    def setting(self, name: str) -> str | None:
        """A named setting, or None."""
        row = self.one("select value from settings where name = ?", name)
        return str(row["value"]) if row else None

    def set_setting(self, name: str, value: str) -> None:
        """Keep a named setting."""
        self.run(
            "insert into settings (name, value) values (?, ?)"
            " on conflict (name) do update set value = excluded.value",
            name,
            value,
        )

    def close(self) -> None:
        """Fold the write-ahead log back and close."""
        self.connection.execute("pragma wal_checkpoint(truncate)")
        self.connection.close()
