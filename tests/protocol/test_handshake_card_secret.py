"""The secret on the implant card: what is printed can be typed back, and a slip is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.card_secret import CardSecretError, format_card_secret, new_card_secret, parse_card_secret

SECRETS = st.integers(0, (1 << 130) - 1).map(lambda number: number.to_bytes(17, "big"))
ZERO = "00000-00000-00000-00000-000000"


@given(SECRETS)
def test_what_the_card_shows_can_be_typed_back(secret: bytes) -> None:
    text = format_card_secret(secret)
    assert [len(group) for group in text.split("-")] == [5, 5, 5, 5, 6]
    assert parse_card_secret(text) == secret


@given(SECRETS, st.sampled_from(["", " ", "-", " - ", "\t", "–"]))
def test_case_and_grouping_do_not_matter(secret: bytes, separator: str) -> None:
    text = format_card_secret(secret).lower().replace("-", separator)
    assert parse_card_secret(f"  {text}\n") == secret


def test_known_secrets() -> None:
    assert format_card_secret(bytes(17)) == ZERO
    assert format_card_secret(b"\x03" + b"\xff" * 16) == "ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZZ"
    assert format_card_secret((1).to_bytes(17, "big"))[-1] == "1"
    assert parse_card_secret("0123456789ABCDEFGHJKMNPQRS") == int(
        "".join(f"{value:05b}" for value in range(26)), 2
    ).to_bytes(17, "big")


@pytest.mark.parametrize(
    ("typed", "meant"), [("O", "0"), ("o", "0"), ("I", "1"), ("i", "1"), ("L", "1"), ("l", "1")]
)
def test_look_alikes_are_read_as_digits(typed: str, meant: str) -> None:
    assert parse_card_secret(typed * 26) == parse_card_secret(meant * 26)


@pytest.mark.parametrize("wrong", ["U", "u", "!", "ß", "\ufb06", "\u0661", "_"])
def test_a_character_that_no_card_has_is_named_with_its_place(wrong: str) -> None:
    with pytest.raises(CardSecretError, match="Character 7 of the card secret, ") as caught:
        parse_card_secret(f"ABCDE-F{wrong}" + "0" * 19)
    assert repr(wrong) in str(caught.value)
    assert "ABCDE" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "0 were given, 26 missing"),
        (ZERO[:-1], "25 were given, 1 missing"),
        (ZERO + "7", "27 were given, 1 too many"),
        ("7" * 100_000, "100000 were given, 99974 too many"),
    ],
)
def test_a_wrong_count_is_told(text: str, message: str) -> None:
    with pytest.raises(CardSecretError, match=message):
        parse_card_secret(text)


@given(st.text(max_size=40))
def test_any_text_is_refused_or_is_one_secret(text: str) -> None:
    try:
        secret = parse_card_secret(text)
    except CardSecretError:
        return
    assert parse_card_secret(format_card_secret(secret)) == secret


@given(st.binary(max_size=20) | st.binary(min_size=17, max_size=17))
def test_octets_are_refused_or_come_back(octets: bytes) -> None:
    try:
        text = format_card_secret(octets)
    except CardSecretError:
        assert len(octets) != 17 or octets[0] > 3
        return
    assert parse_card_secret(text) == octets


def test_a_new_secret_takes_130_bits_of_what_it_is_handed() -> None:
    asked: list[int] = []

    def entropy(size: int) -> bytes:
        asked.append(size)
        return b"\xff" * size

    assert new_card_secret(entropy) == b"\x03" + b"\xff" * 16
    assert asked == [17]
