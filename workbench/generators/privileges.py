"""Who may send what, and from where: not written down, but asked of the code that decides it."""

from dataclasses import dataclass
from functools import cache
from typing import Final, cast

from protocol.clear_records import ClearReceiver, ClearSender
from protocol.coupling import Coupling
from protocol.frame import Direction
from protocol.messages.registry import MESSAGES, MessageSpec
from protocol.pump_access import EMERGENCY_DWELL_MS, judge_access
from protocol.pump_session import IDLE_TIMEOUT_S, PumpSession
from protocol.requests import EMERGENCY_SLOT, ENROL_SLOT, Bond, Keyring
from protocol.states import SessionState
from protocol.vocabulary import BondState, Role
from workbench.generators.markdown import bullets, join, link, names, table

NEAR: Final = "near"
TOKEN: Final = "near, token"  # noqa: S105 - a word of the page
ANY: Final = "any"
DWELL: Final = f"near, {EMERGENCY_DWELL_MS // 1_000} s"
_SLOTS: Final = {Role.ENROL: ENROL_SLOT, Role.EMERGENCY: EMERGENCY_SLOT}
_LONG_AGO_MS: Final = 10 * EMERGENCY_DWELL_MS


@dataclass(frozen=True, slots=True)
class _Bonds:
    """A pump that has one bond in every slot."""

    role: Role
    state: BondState

    def bond(self, slot: int) -> Bond:
        """Return the bond of ``slot``."""
        return Bond(slot, bytes(32), self.role, self.state, "")


def _allowed(
    spec: MessageSpec,
    role: Role,
    *,
    near: bool,
    token: bool = False,
    after_ms: int = _LONG_AGO_MS,
    state: BondState = BondState.CONFIRMED,
) -> bool:
    """Tell whether the pump lets a session of ``role`` send ``spec``, ``after_ms`` after its start."""
    session = PumpSession(
        session_id=1,
        link_id=1,
        slot=_SLOTS.get(role, 0),
        role=role,
        opened_ms=0,
        heard_ms=0,
        idle_timeout_s=IDLE_TIMEOUT_S,
        sender=ClearSender(Direction.TO_PROGRAMMER, 1),
        receiver=ClearReceiver(),
        has_token=token,
        state=SessionState.CONFIRMED,
    )
    keyring = cast(Keyring, _Bonds(role, state))
    head = Coupling() if near else None
    return judge_access(session, spec, keyring, head, after_ms) is None


@cache
def reach(spec: MessageSpec, role: Role) -> str:
    """Return from where ``role`` may send ``spec``: one of the words of the matrix, or nothing."""
    if not _allowed(spec, role, near=True):
        return ""
    if _allowed(spec, role, near=False):
        return ANY
    if not _allowed(spec, role, near=True, after_ms=0):
        return DWELL
    return TOKEN if _allowed(spec, role, near=False, token=True) else NEAR


def senders(spec: MessageSpec) -> str:
    """Return the roles that may send ``spec``, those with the same reach together."""
    words = {role: reach(spec, role) for role in Role}
    groups = {
        word: names([role for role in Role if words[role] == word]) for word in dict.fromkeys(words.values())
    }
    return "; ".join(f"{roles} ({word})" for word, roles in groups.items() if word)


def while_provisional(spec: MessageSpec) -> bool:
    """Tell whether a bond that is still provisional may send ``spec``, its role allowing."""
    state = BondState.PROVISIONAL
    return any(_allowed(spec, role, near=True, state=state) for role in Role if role not in _SLOTS)


def privileges_part() -> str:
    """Return the part of the protocol's page that says who may ask what."""
    roles = list(Role)
    rows = [
        (link(spec.name, "messages.md", spec.name), *(reach(spec, role) for role in roles))
        for spec in MESSAGES
    ]
    kept = sorted({spec.access.value for spec in MESSAGES if while_provisional(spec)})
    legend = (
        f"`{ANY}`: over the near and over the far link",
        f"`{NEAR}`: only with the programming head on the pump",
        f"`{TOKEN}`: as `{NEAR}`, or over the far link in a session opened with a proximity token (KKPSK2)",
        f"`{DWELL}`: with the published emergency key, when the head has been on the pump for so long",
        "nothing: ROLE_FORBIDDEN",
    )
    return join(
        "## Who may ask what",
        "The role belongs to the bond, not to the request. A head that is off is like the far link. A bond "
        f"that is still provisional may send only what is of class {' or '.join(kept)}. The notifications go "
        "to every role that may subscribe. What a role may see of the log, which alarms it may acknowledge "
        "and which boluses it may cancel is said with the message.",
        bullets(legend),
        table(("message", *(names([role]) for role in roles)), rows),
    )
