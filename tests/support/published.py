"""The catalogue as OITP/1 section 14 and its role matrix print it, copied by hand and not from the registry.

Beside the printed lines stand the two messages and the one role of ADR 0009: BOND_CONFIRM, PROXIMITY_TOKEN,
and receipts for patients. The roles follow the matrix where the lines of the catalogue say "any": the
published emergency key reads status and alarms and no more, and an enrolment (N) only enrols.
"""

from dataclasses import dataclass

from protocol.vocabulary import Role

LETTERS = {
    "C": Role.CLINICIAN,
    "P": Role.PATIENT,
    "S": Role.SERVICE,
    "R": Role.READER,
    "E": Role.EMERGENCY,
    "N": Role.ENROL,
}

_REQUESTS = """
0.1  SESSION_CONFIRM  000F 411B 19/23  CPSREN A
0.2  KEEPALIVE        0033 4127 0/10   CPSREN R
0.3  SESSION_CLOSE    003C 4128 1/0    CPSREN A
0.4  SUBSCRIBE        0055 4141 6/6    CPSRE  A
0.5  NOTIFY_ACK       005A 414E 4/2    CPSRE  A
1.1  GET_DEVICE_INFO  050A 441E 0/60   CPSRE  R
2.1  GET_STATUS       0909 481D 0/68   CPSRE  R
2.2  GET_DAY_TOTALS   0935 4821 1/26   CPSR   R
3.1  GET_PROGRAM_INFO 0C0C 4D18 1/28   CSR    R
3.2  READ_PROGRAM     0C30 4D24 7/7+   CSR    R
4.1  PROG_BEGIN       111E 500A 22/7   C      W
4.2  PROG_STAGE       1122 5036 7+/8   C      W
4.3  PROG_VERIFY      112D 5039 36/39+ C      W
4.4  PROG_COMMIT      1144 5050 21/49  C      T
4.5  PROG_ABORT       114B 505F 4/4    C      W
4.6  GET_RECEIPT      1177 5063 16/49  CSP    R
5.1  BOLUS_ARM        141B 550F 29/26  C      W
5.2  BOLUS_START      1427 5533 17/12  C      T
5.3  BOLUS_CANCEL     1428 553C 4/16   CPE    T
5.4  PATIENT_BOLUS    1441 5555 16/17  P      T
5.5  SET_DELIVERY     144E 555A 8/13   CE     T
6.1  GET_CLOCK        1818 590C 0/21   CPSR   R
6.2  SET_CLOCK        1824 5930 7/10   CS     W
7.1  LOG_INFO         1D1D 5C09 0/17   CPSR   R
7.2  LOG_READ         1D21 5C35 9/10+  CPSR   R
7.3  LOG_DIGEST       1D2E 5C3A 12/40  CS     R
8.1  GET_ALARMS       211D 6009 0/1+   CPSRE  R
8.2  ALARM_ACK        2121 6035 2/3    CP     W
8.3  ALARM_SILENCE    212E 603A 4/7    CP     W
9.1  BOND_ENROL       2418 650C 49/36  N      W
9.2  BOND_LIST        2424 6530 0/1+   CS     R
9.3  BOND_REVOKE      242B 653F 2/6    C      W
9.4  SECURITY_STATUS  2442 6556 0/18   CS     R
9.5  BOND_CONFIRM     244D 6559 2/6    C      W
9.6  PROXIMITY_TOKEN  2471 6565 0/34   CP     W
10.1 LINK_STATS       281B 690F 0/32   CPSRE  R
10.2 SELF_TEST        2827 6933 4/10   S      W
11.1 REFILL_RECORD    2D1E 6C0A 40/12  C      T
"""

_NOTIFICATIONS = """
2.1 STATUS_PUSH    881E 22
5.1 BOLUS_PROGRESS 950C 17
7.1 LOG_APPENDED   9C0A 8
8.1 ALARM_EVENT    A00A 22
0.1 SESSION_ENDING 8118 7
"""

ERROR_OPCODE = 0xC00C
ERROR_SIZE = 8
HEAD_ONLY = frozenset({"PROXIMITY_TOKEN", "SELF_TEST"})
"""What needs the programming head whatever the session: fetching the token, and service (ADR 0009)."""

ACKNOWLEDGED = frozenset({"ALARM_EVENT", "SESSION_ENDING"})
"""Notifications repeated until NOTIFY_ACK (section 17)."""

ANSWERED_BY_THE_ENDPOINT = frozenset({"SUBSCRIBE", "NOTIFY_ACK"})


@dataclass(frozen=True)
class Published:
    """One line of the catalogue; sizes with lists and blocks empty."""

    name: str
    group: int
    index: int
    opcodes: tuple[int, int]
    sizes: tuple[int, int]
    varies: tuple[bool, bool]
    roles: frozenset[Role]
    access: str

    @property
    def changes(self) -> bool:
        """Whether it writes or treats."""
        return self.access in "WT"

    @property
    def treats(self) -> bool:
        """Whether it is therapy."""
        return self.access == "T"


def _request(line: str) -> Published:
    number, name, request, response, sizes, roles, access = line.split()
    group, index = number.split(".")
    ask, answer = sizes.split("/")
    return Published(
        name,
        int(group),
        int(index),
        (int(request, 16), int(response, 16)),
        (int(ask.rstrip("+")), int(answer.rstrip("+"))),
        (ask.endswith("+"), answer.endswith("+")),
        frozenset(LETTERS[letter] for letter in roles),
        access,
    )


CATALOGUE = {line.name: line for line in map(_request, _REQUESTS.strip().splitlines())}
NOTIFICATIONS = {
    name: (int(opcode, 16), int(size))
    for _, name, opcode, size in (line.split() for line in _NOTIFICATIONS.strip().splitlines())
}
"""Opcode and octets of each notification."""
