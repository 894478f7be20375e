"""A captured session as lines for a person and as data for a program."""

from collections.abc import Iterator
from typing import Final

from protocol.frame import Direction
from workbench.inspection.message import field_texts, plain_body
from workbench.inspection.session import Listing, Row, milliseconds

_ARROWS: Final = {Direction.TO_PUMP: "-> pump", Direction.TO_PROGRAMMER: "<- pump", None: "?"}
_COLUMNS: Final = ("packet", "time, s", "way", "kind", "link", "what")


def listing_lines(listing: Listing) -> Iterator[str]:
    """Yield a line for each frame, then the summary."""
    rows = [_cells(row) for row in listing.rows]
    widths = [max(len(row[at]) for row in (_COLUMNS, *rows)) for at in range(len(_COLUMNS) - 1)]
    yield _line(_COLUMNS, widths)
    for row in rows:
        yield _line(row, widths)
    yield ""
    yield from summary_lines(listing)


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    head = [
        f"{cell:>{width}}" if at < 2 else f"{cell:<{width}}"
        for at, (cell, width) in enumerate(zip(cells, widths, strict=False))
    ]
    return "  ".join((*head, cells[-1])).rstrip()


def _cells(row: Row) -> tuple[str, ...]:
    texts = [row.what]
    if row.message is not None and row.message.body is not None:
        texts += [f"{name}={text}" for name, text in field_texts(row.message.body).items()]
    if row.notes:
        texts.append(f"[{'; '.join(row.notes)}]")
    link = "" if row.link_id is None else f"{row.link_id:04X}"
    return (str(row.number), _seconds(row.time_us), _ARROWS[row.direction], row.kind, link, " ".join(texts))


def _seconds(time_us: int) -> str:
    return f"{time_us // 1_000_000}.{time_us // 1000 % 1000:03d}"


def summary_lines(listing: Listing) -> Iterator[str]:
    """Yield the summary as a table of two columns."""
    rows = [(name, str(value)) for name, value in _summary_rows(listing)]
    width = max(len(name) for name, _ in rows)
    yield "Summary"
    for name, value in rows:
        yield f"  {name:<{width}}  {value}"
    if not listing.has_bodies:
        yield "Without decrypted bodies, requests and answers are told by their order and size alone."


def _summary_rows(listing: Listing) -> Iterator[tuple[str, object]]:
    seen = listing.exchanges
    yield "duration", f"{_seconds(_duration_us(listing))} s"
    for (kind, way), count in sorted(seen.frames.items()):
        yield f"frames, {kind}, {way.replace('_', ' ')}", count
    yield "sessions opened", seen.sessions
    yield "requests", seen.requests
    yield "answered", len(seen.round_trips_us)
    yield "without an answer", seen.left_open
    yield "retransmissions", seen.retransmissions
    if listing.has_bodies:
        yield "repeated from the cache", seen.cached
        yield "notifications", seen.notifications
    for name, count in sorted(seen.errors.items()):
        yield f"refused as {name}", count
    yield "not accepted", sum(seen.drops.values())
    for name, count in sorted(seen.drops.items()):
        yield f"not accepted: {name}", count
    times = sorted(seen.round_trips_us)
    if times:
        yield "round trip, shortest", milliseconds(times[0])
        yield "round trip, median", milliseconds(times[len(times) // 2])
        yield "round trip, longest", milliseconds(times[-1])


def _duration_us(listing: Listing) -> int:
    times = [row.time_us for row in listing.rows]
    return max(times) - min(times) if times else 0


def listing_data(listing: Listing) -> dict[str, object]:
    """Return rows and summary as plain data, for JSON."""
    seen = listing.exchanges
    times = sorted(seen.round_trips_us)
    return {
        "frames": [_row_data(row) for row in listing.rows],
        "summary": {
            "duration_us": _duration_us(listing),
            "frames": [
                {"kind": kind, "direction": way, "count": count}
                for (kind, way), count in sorted(seen.frames.items())
            ],
            "sessions": seen.sessions,
            "requests": seen.requests,
            "answered": len(times),
            "unanswered": seen.left_open,
            "retransmissions": seen.retransmissions,
            "repeated_from_cache": seen.cached,
            "notifications": seen.notifications,
            "errors": dict(sorted(seen.errors.items())),
            "dropped": dict(sorted(seen.drops.items())),
            "round_trip_us": (
                {"min": times[0], "median": times[len(times) // 2], "max": times[-1]} if times else None
            ),
            "decrypted_bodies": listing.has_bodies,
        },
    }


def _row_data(row: Row) -> dict[str, object]:
    message = None
    if row.message is not None:
        header = row.message.header
        message = {
            "name": row.message.name,
            "class": row.message.kind.name.lower() if row.message.kind else None,
            "txn": header.txn if header else None,
            "cached": row.message.cached,
            "problem": row.message.problem or None,
            "fields": None if row.message.body is None else plain_body(row.message.body),
        }
    return {
        "packet": row.number,
        "time_us": row.time_us,
        "direction": None if row.direction is None else row.direction.name.lower(),
        "kind": row.kind.lower() or None,
        "link_id": row.link_id,
        "octets": row.size,
        "what": row.what,
        "counter": row.counter,
        "message": message,
        "round_trip_us": row.rtt_us,
        "retransmission": row.repeats,
        "repeated_from_cache": row.cached,
        "error": row.error or None,
        "dropped": row.drop.value if row.drop else None,
        "notes": row.notes,
    }
