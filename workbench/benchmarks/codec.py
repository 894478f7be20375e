"""The codec of a fixed body beside hand-written `struct` for the same fields, and interpreted `construct`."""

from collections.abc import Iterator
from functools import partial
from struct import Struct
from typing import Final

from protocol.messages.codec import codec_of
from protocol.messages.fields import layout_of
from protocol.messages.status import GetStatusResponse
from workbench.benchmarks.measure import Effort, Pair, in_turns
from workbench.benchmarks.report import Row, Target, Unit
from workbench.generators.samples import sample

MOST: Final = Target(2.5, of_ratio=True)
HAND_WRITTEN: Final = Struct("<LLBBLLLQHHHhBBLLHBBLLLL")
"""The body of GET_STATUS as somebody would write it down; a test holds it against the codec."""

_CALLS: Final = 20_000
_CONSTRUCT_CALLS: Final = 1_000


def hand_decode(octets: bytes) -> GetStatusResponse:
    """Return the body with its fields named and nothing checked."""
    return GetStatusResponse(*HAND_WRITTEN.unpack(octets))


def hand_encode(body: GetStatusResponse) -> bytes:
    """Return the octets of ``body``."""
    return HAND_WRITTEN.pack(
        body.uptime_s,
        body.utc_s,
        body.delivery_state,
        body.op_state,
        body.rate_nl_h,
        body.reservoir_nl,
        body.since_midnight_nl,
        body.lifetime_nl,
        body.battery_mv,
        body.battery_permille,
        body.eri_days,
        body.temp_cdeg,
        body.alarm_count,
        body.alarm_max_prio,
        body.log_last_seq,
        body.program_version,
        body.last_txn_id,
        body.active_step,
        body.bolus_state,
        body.bolus_id,
        body.bolus_delivered_nl,
        body.bolus_total_nl,
        body.next_change_s,
    )


def sample_status() -> GetStatusResponse:
    """Return the body that is measured."""
    body = sample(GetStatusResponse)
    if not isinstance(body, GetStatusResponse):
        raise TypeError(f"the sample of GET_STATUS is a {type(body).__name__}")
    return body


def codec_rows(effort: Effort) -> Iterator[Row]:
    """Measure decoding and encoding of the body of GET_STATUS, 68 octets in 23 fields."""
    codec, layout = codec_of(GetStatusResponse), layout_of(GetStatusResponse)
    body = sample_status()
    octets = codec.encode(body)
    values = {name: getattr(body, name) for name in GetStatusResponse.__dataclass_fields__}
    reading, writing = partial(hand_decode, octets), partial(hand_encode, body)
    calls, few = effort.calls(_CALLS), effort.calls(_CONSTRUCT_CALLS)
    decode = in_turns(partial(codec.decode, octets), reading, calls, calls, effort.repeats)
    encode = in_turns(partial(codec.encode, body), writing, calls, calls, effort.repeats)
    parse = in_turns(partial(layout.parse, octets), reading, few, calls, effort.repeats)
    build = in_turns(partial(layout.build, values), writing, few, calls, effort.repeats)
    yield _row("codec_decode", "GET_STATUS body, decode and check", decode, MOST)
    yield _row("codec_encode", "GET_STATUS body, encode", encode, MOST)
    yield _row("construct_parse", "the same, parsed by interpreted construct", parse, None)
    yield _row("construct_build", "the same, built by interpreted construct", build, None)


def _row(name: str, title: str, pair: Pair, target: Target | None) -> Row:
    baseline = "hand-written struct, unchecked"
    return Row(
        name, title, Unit.MICROSECONDS, pair.subject_us, pair.baseline_us, baseline, pair.ratio, target
    )
