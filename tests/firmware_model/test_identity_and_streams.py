"""One seed gives a pump its serial number, keys and card; its streams do not disturb each other."""

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from support.pump_bench import MONDAY_UTC_S

from firmware_model.factory import make_pump
from firmware_model.streams import Stream
from protocol.card_secret import parse_card_secret
from protocol.handshake import enrol_psk


@given(st.integers(), st.text(max_size=20), st.lists(st.integers(0, 70), max_size=12))
def test_a_stream_is_the_same_however_it_is_read(seed: int, name: str, sizes: list[int]) -> None:
    stream = Stream(seed, name)
    pieces = b"".join(stream(size) for size in sizes)
    assert pieces == Stream(seed, name)(sum(sizes))
    assert stream.position == sum(sizes)


@given(st.integers(0, 200), st.integers(0, 100))
def test_a_stream_goes_on_from_its_position(position: int, size: int) -> None:
    assert Stream(7, "x", position).take(size) == Stream(7, "x").take(position + size)[position:]


def test_streams_of_other_seeds_and_names_differ() -> None:
    seen = {Stream(seed, name).take(32) for seed in (0, 1, -1, 11) for name in ("a", "b", "1/a")}
    assert len(seen) == 12


@given(st.integers(1, 1 << 32))
def test_a_number_lies_below_its_limit(limit: int) -> None:
    stream = Stream(3, "n")
    assert all(0 <= stream.below(limit) < limit for _ in range(20))


@pytest.mark.parametrize("limit", [0, -1, (1 << 32) + 1])
def test_a_limit_outside_the_range_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match="limit"):
        Stream(3, "n").below(limit)


def test_a_stream_takes_and_starts_at_no_negative_number() -> None:
    with pytest.raises(ValueError, match="cannot take -1"):
        Stream(3, "n").take(-1)
    with pytest.raises(ValueError, match="negative"):
        Stream(3, "n", -1)


def test_the_same_arguments_give_the_same_pump() -> None:
    first, second = (make_pump(seed=4, utc_s=MONDAY_UTC_S) for _ in range(2))
    assert first.snapshot() == second.snapshot()


def test_another_seed_gives_another_pump_in_the_same_situation() -> None:
    first, second = (make_pump(seed=seed, utc_s=MONDAY_UTC_S) for seed in (4, 5))
    assert first.card.serial != second.card.serial
    assert first.card.secret != second.card.secret
    assert first.static_private != second.static_private
    assert first.belief() == second.belief()


def test_the_card_opens_the_pump_it_belongs_to() -> None:
    pump = make_pump(seed=4, utc_s=MONDAY_UTC_S)
    card = pump.card
    public = X25519PrivateKey.from_private_bytes(pump.static_private).public_key().public_bytes_raw()
    assert card.static_public == public == pump.static_public
    assert parse_card_secret(card.secret_text) == card.secret
    assert pump.enrol_psk == enrol_psk(card.secret, card.static_public)
    assert len(card.serial) <= 16


def test_secrets_are_not_shown() -> None:
    pump = make_pump(seed=4, utc_s=MONDAY_UTC_S)
    for shown in (repr(pump.card), repr(pump.identity), repr(pump.snapshot().identity)):
        assert repr(pump.card.secret) not in shown
        assert repr(pump.static_private) not in shown
