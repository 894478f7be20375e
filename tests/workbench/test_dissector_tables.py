"""The tables of the Wireshark dissector come from the registry, and are Lua whatever they hold."""

from dataclasses import replace
from typing import Any

import pytest

from protocol.application import CACHED
from protocol.codewords import GENERATOR_ROWS
from protocol.messages import schema
from protocol.messages.fields import fields_of
from protocol.messages.registry import MESSAGES, NOTIFICATIONS, by_name
from workbench.generators.dissector import Filters, dissector_script, snake
from workbench.generators.lua_values import Raw, lua_table, lua_value


@pytest.fixture(scope="module")
def script() -> str:
    return dissector_script()


@pytest.mark.parametrize("spec", MESSAGES, ids=lambda spec: spec.name)
def test_every_field_of_a_message_can_be_filtered_for(spec: Any, script: str) -> None:  # noqa: ANN401
    scope = spec.name.lower()
    for body, other in ((spec.request, "request"), (spec.response, "response")):
        for name in fields_of(body):
            wanted = (f'"oitp.{scope}.{name}"', f'"oitp.{scope}.{other}.{name}"')
            assert any(filter_name in script for filter_name in wanted), name


def test_every_opcode_is_known_with_its_class_and_flags(script: str) -> None:
    for spec in MESSAGES:
        for opcode, kind, mflags in (
            (spec.request_opcode, "request", 0),
            (spec.response_opcode, "response", CACHED),
        ):
            line = next(line for line in script.splitlines() if f"[0x{opcode:02X}] = {{ name = " in line)
            assert f'name = "{spec.name}", class = "{kind}"' in line
            assert f"mflags = {mflags} " in line
    assert all(f'name = "{told.name}", class = "notification"' in script for told in NOTIFICATIONS)


def test_a_message_that_is_new_in_the_registry_is_in_the_dissector(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = replace(by_name("GET_STATUS"), name="PLANTED", index=31)
    monkeypatch.setattr(schema, "MESSAGES", (*MESSAGES, planted))
    schema.schema.cache_clear()
    try:
        assert '"oitp.planted.rate_nl_h"' in dissector_script()
    finally:
        schema.schema.cache_clear()


def test_the_opcode_code_is_the_protocols_own(script: str) -> None:
    rows = ", ".join(map(str, GENERATOR_ROWS))
    assert f"local GENERATOR_ROWS = {{ {rows} }}" in script


def test_the_script_says_that_it_is_generated(script: str) -> None:
    assert script.startswith("-- Generated from the code by `make generated`.")


# --- filter names -------------------------------------------------------------------------------------------


FIELD = {"name": "state", "kind": "word", "size": 1, "enumeration": "Switch"}


def test_fields_that_are_alike_share_a_filter_name() -> None:
    filters = Filters()
    assert filters.name("alarm_ack", FIELD, "request") == "oitp.alarm_ack.state"
    assert filters.name("alarm_ack", FIELD, "response") == "oitp.alarm_ack.state"


def test_fields_that_differ_do_not_share_a_filter_name() -> None:
    filters = Filters()
    filters.name("alarm_ack", FIELD, "request")
    other = FIELD | {"enumeration": "AlarmState"}
    assert filters.name("alarm_ack", other, "response") == "oitp.alarm_ack.response.state"
    with pytest.raises(ValueError, match=r"oitp\.alarm_ack\.response\.state"):
        filters.name("alarm_ack", FIELD | {"size": 2}, "response")


def test_a_record_is_named_as_filters_are_written() -> None:
    assert snake("LogRecord") == "log_record"


# --- Lua ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "lua"),
    [
        (12, "12"),
        (-3, "-3"),
        (True, "true"),
        ("plain", '"plain"'),
        ('a "quoted" \\ text\n', '"a \\"quoted\\" \\\\ text\\010"'),
        ("µ", '"\\194\\181"'),
        ([1, "two"], '{ 1, "two" }'),
        ([], "{}"),
        ({"name": 1, "end": 2, 7: 3, 0x55: 4}, '{ name = 1, ["end"] = 2, [7] = 3, [0x55] = 4 }'),
        ([Raw("BODIES[1]")], "{ BODIES[1] }"),
    ],
)
def test_a_value_is_written_as_lua(value: object, lua: str) -> None:
    assert lua_value(value) == lua


def test_what_lua_has_not_is_refused() -> None:
    with pytest.raises(TypeError, match=r"1\.5"):
        lua_value(1.5)


def test_a_table_has_a_line_for_each_member() -> None:
    value = {"one": {"low": 1}, "many": [{"a": [1]}, {"b": [2]}]}
    assert lua_table(value) == (
        "{\n"
        "  one = { low = 1 },\n"
        "  many = {\n"
        "    {\n      a = { 1 },\n    },\n"
        "    {\n      b = { 2 },\n    },\n"
        "  },\n"
        "}"
    )
