-- Generated from the code by `make generated`. Edits here are lost; change the code instead.
--
-- Wireshark and tshark dissector of OITP/1, the protocol of a simulated pump. Never for treating anyone.
-- Link frames (after COBS) are expected with link type USER0 (147), decrypted messages in an exported PDU
-- (252) that names the dissector oitp.app. Load it with `-X lua_script:oitp.lua`, or put it into Wireshark's
-- folder of personal Lua plugins.

set_plugin_info({ version = "schema 0x6AD88B19", author = "cisterna" })

local PROTO = 161
local MIN_FRAME = 11
local MAX_FRAME = 253
local FRAME_HEADER_SIZE = 7
local CRC_SIZE = 4
local NO_LINK_ID = 65535
local TO_PUMP = 0
local VERSION = 1
local KEY_SIZE = 32
local TAG_SIZE = 16
local COUNTER_SIZE = 4
local MAX_RECORDS = 1048576
local MAX_PLAINTEXT = 222
local HEADER_SIZE = 8
local REVISION = 1
local CACHED = 1
local LOG_TYPE_AT = 12
local LOG_PAYLOAD_AT = 16
local LOG_PAYLOAD_SIZE = 12
local GENERATOR_ROWS = { 15, 51, 85, 150, 771, 1285, 2310, 4369, 8466, 16660, 33047 }
local DROP_MARKS = { "dropped: ", "would be dropped: " }
local RAW = { cobs = true, overrun = true, gap = true }
local UNPRINTABLE = { { 0, 31 }, { 127, 160 }, { 173, 173 }, { 1564, 1564 }, { 5760, 5760 }, { 6158, 6158 }, { 8192, 8207 }, { 8232, 8239 }, { 8287, 8303 }, { 12288, 12288 }, { 55296, 63743 }, { 65279, 65279 }, { 65520, 65531 }, { 65534, 65535 }, { 917504, 1114111 } }
local DROPS = {
  { "cobs", "The octets between two delimiters are not valid COBS." },
  { "overrun", "More octets came without a delimiter than any frame can have." },
  { "gap", "The sender fell silent inside a frame." },
  { "size", "The frame is shorter or longer than a link frame can be." },
  { "crc", "The CRC-32C does not match the frame." },
  { "proto", "The frame is of another protocol or another major version." },
  { "kind", "The frame is of an unknown kind." },
  { "flags", "The flags are wrong: a reserved bit is set, or the frame goes the other way." },
  { "length", "The length octet does not match the length of the frame." },
  { "link_id", "The frame belongs to another link." },
  { "state", "The frame does not fit the present state of the link." },
  { "link_message", "The link control message is malformed." },
  { "lockout", "Too many handshakes, or too many failed ones, came over this class of link." },
  { "handshake", "The handshake message is malformed or was made with other keys." },
  { "record_short", "The secure record is too short for its counter and tag." },
  { "exhausted", "The record counter is past the last record of a session." },
  { "replay", "The record counter was used before." },
  { "auth", "The record was altered or sealed with another key." },
  { "header", "The application header inside the record is malformed." },
}
local ERRORS = {
  { "UNKNOWN_OPCODE", "The pump refuses because it does not know this message." },
  { "BAD_LENGTH", "The pump refuses because the message has the wrong length." },
  { "UNSUPPORTED_REV", "The pump refuses because it does not know this revision of the message." },
  { "BAD_ENUM", "The pump refuses because field field holds a word that is not defined." },
  { "OUT_OF_RANGE", "The pump refuses because field field is outside its range." },
  { "RESERVED_NONZERO", "The pump refuses because reserved bits or octets are not zero (field field)." },
  { "FEATURE_ABSENT", "The pump refuses because this pump cannot do that." },
  { "TOO_LARGE", "The pump refuses because field field holds more than fits." },
  { "OPCODE_NOT_A_CODEWORD", "The pump refuses because the opcode is no codeword." },
  { "BAD_TEXT", "The pump refuses because the text in field field is not printable UTF-8." },
  { "BUSY", "The pump refuses because it is busy with another transaction." },
  { "TXN_SEQUENCE", "The pump refuses because requests came out of sequence; it expects number detail." },
  { "NOT_APPLICABLE", "The pump refuses because that does not apply in its present state." },
  { "HANDLE_UNKNOWN", "The pump refuses because it knows no such programming transaction; begin again." },
  { "HANDLE_EXPIRED", "The pump refuses because the programming transaction has expired; begin again." },
  { "VERSION_CONFLICT", "The pump refuses because its program changed meanwhile to version detail; interrogate again." },
  { "IMAGE_INCOMPLETE", "The pump refuses because octet detail of the staged program is missing." },
  { "DIGEST_MISMATCH", "The pump refuses because the staged program is not the one that was announced." },
  { "TOKEN_MISMATCH", "The pump refuses because the confirmation does not belong to what it verified." },
  { "NOT_VERIFIED", "The pump refuses because the staged program has not been verified." },
  { "NO_RECORDS", "The pump refuses because it holds no such records." },
  { "LOG_EPOCH_CHANGED", "The pump refuses because its log was wiped meanwhile; read the log again from the start." },
  { "INTENT_REUSED", "The pump refuses because this intent was used before; make a new one." },
  { "IMAGE_MALFORMED", "The pump refuses because the program image is malformed in section detail." },
  { "SCHEDULE_INVALID", "The pump refuses because the rate table is not valid." },
  { "HARD_LIMIT", "The pump refuses because the hard limit of limit is passed (value detail)." },
  { "SOFT_LIMIT_UNACKED", "The pump refuses because soft limits are passed and not acknowledged (mask detail)." },
  { "DOSE_MISMATCH", "The pump refuses because the declared dose differs from the pump's own arithmetic (drug 0xdetail)." },
  { "LOCKOUT", "The pump refuses because the lockout of the last bolus has detail s left." },
  { "DAILY_MAX", "The pump refuses because the boluses of the last 24 hours are used up." },
  { "RESERVOIR_INSUFFICIENT", "The pump refuses because the reservoir is empty; refill first." },
  { "BOLUS_ACTIVE", "The pump refuses because a bolus is being delivered." },
  { "BRIDGE_REQUIRED", "The pump refuses because drug or concentration changes, and no bridge bolus is planned." },
  { "DELIVERY_STOPPED", "The pump refuses because delivery is stopped." },
  { "CLOCK_REQUIRED", "The pump refuses because its clock is not set; set it first." },
  { "ROLE_FORBIDDEN", "The pump refuses because this programmer's role may not do that." },
  { "PROXIMITY_REQUIRED", "The pump refuses because the programming head must be on the pump." },
  { "SESSION_NOT_CONFIRMED", "The pump refuses because the session was not confirmed." },
  { "BOND_REVOKED", "The pump refuses because this programmer's bond was revoked." },
  { "LOCKED_OUT", "The pump refuses because it is locked for detail s after too many failures." },
  { "BOND_TABLE_FULL", "The pump refuses because it holds as many bonds as it can; revoke one." },
  { "BOND_PROVISIONAL", "The pump refuses because this programmer's bond is provisional and may only read." },
  { "POLICY_FORBIDS", "The pump refuses because its stored policy forbids that." },
  { "SIMULATION_ONLY", "The pump refuses because only a simulated pump could do that." },
  { "INTERNAL", "The pump refuses because an internal fault stopped it; interrogate again." },
  { "STORAGE", "The pump refuses because its storage failed; nothing was changed." },
  { "MOTOR", "The pump refuses because its motor failed." },
  { "POWER", "The pump refuses because its battery is too weak for that." },
  { "CLOCK_INVALID", "The pump refuses because its clock is not valid." },
  { "SAFE_STATE", "The pump refuses because it is in its safe state." },
  { "SELF_TEST_FAILED", "The pump refuses because a self-test failed." },
}
local WORDS = {
  Direction = { [0] = "TO_PUMP", [1] = "TO_PROGRAMMER" },
  AlarmCode = {
    [0x303] = "RESERVOIR_LOW",
    [0x30C] = "RESERVOIR_EMPTY",
    [0x330] = "REFILL_DUE",
    [0x33F] = "ERI",
    [0x356] = "EOS",
    [0x359] = "BATTERY_LOW",
    [0x365] = "MOTOR_STALL",
    [0x36A] = "STALL_RECOVERED",
    [0x395] = "LONG_STOP",
    [0x39A] = "OCCLUSION_SUSPECT",
    [0x3A6] = "OVERINFUSION_SUSPECT",
    [0x3A9] = "PUMP_RESET",
    [0x3C0] = "MEMORY_FAULT",
    [0x3CF] = "CLOCK_LOST",
    [0x3F3] = "TEMP_RANGE",
    [0x3FC] = "SELF_TEST_FAIL",
    [0x505] = "PATIENT_BOLUS_DENIED",
    [0x50A] = "SECURITY_LOCKOUT",
    [0x536] = "TELEMETRY_ABUSE",
    [0x539] = "PROGRAM_CORRUPT",
    [0x550] = "EMERGENCY_SUSPEND",
    [0x55F] = "WATCHDOG",
    [0x563] = "RESTART_LOOP",
  },
  AlarmState = { [0x33] = "ACTIVE", [0x3C] = "SILENCED", [0x55] = "ACKED", [0x5A] = "CLEARED" },
  BolusKind = { [0x33] = "CLINICIAN", [0x3C] = "PRIME", [0x55] = "BRIDGE", [0x5A] = "PATIENT" },
  BolusState = { [0x0F] = "NONE", [0x33] = "ARMED", [0x3C] = "DELIVERING", [0x55] = "DONE", [0x5A] = "CANCELLED", [0x66] = "FAULTED" },
  BondState = { [0x33] = "PROVISIONAL", [0x3C] = "CONFIRMED", [0x55] = "REVOKED" },
  ClientKind = { [0x33] = "PROGRAMMER", [0x3C] = "SCRIPT", [0x55] = "PATIENT_CONTROLLER", [0x5A] = "TESTER" },
  ClockSource = { [0x33] = "PROGRAMMER", [0x3C] = "NETWORK", [0x55] = "OPERATOR" },
  ClockState = { [0x33] = "NOT_SET", [0x3C] = "SET" },
  CloseReason = { [0x33] = "DONE", [0x3C] = "IDLE", [0x55] = "EXPIRED", [0x5A] = "LINK_LOST", [0x66] = "REPLACED", [0x69] = "TXN_EXHAUSTED", [0x96] = "REVOKED", [0x99] = "RESET", [0xA5] = "HEAD_LOST" },
  DeliveryReason = { [0x0F] = "NONE", [0x33] = "CLINICAL", [0x3C] = "PROCEDURE", [0x55] = "ADVERSE_EFFECT", [0x5A] = "DEVICE_CHECK", [0x66] = "EMERGENCY", [0x69] = "TRAINING" },
  DeliveryState = { [0x0F] = "UNDETERMINED", [0x33] = "STOPPED", [0x3C] = "MIN_RATE", [0x55] = "RUNNING", [0x5A] = "BOLUS", [0x66] = "PRIMING", [0x69] = "SAFE_STATE" },
  DisplayUnit = { [0x33] = "MG", [0x3C] = "MCG" },
  DrugCode = { [0x111E] = "MORPHINE", [0x1122] = "BACLOFEN", [0x112D] = "ZICONOTIDE", [0x1144] = "HYDROMORPHONE", [0x114B] = "FENTANYL", [0x1177] = "SUFENTANIL", [0x1178] = "BUPIVACAINE", [0x1187] = "CLONIDINE", [0x1188] = "SALINE" },
  EmergencyPolicy = { [0x33] = "NONE", [0x3C] = "READ", [0x55] = "READ_SUSPEND" },
  ErrorCode = {
    [0x70] = "UNKNOWN_OPCODE",
    [0x71] = "BAD_LENGTH",
    [0x72] = "UNSUPPORTED_REV",
    [0x73] = "BAD_ENUM",
    [0x74] = "OUT_OF_RANGE",
    [0x75] = "RESERVED_NONZERO",
    [0x76] = "FEATURE_ABSENT",
    [0x77] = "TOO_LARGE",
    [0x78] = "OPCODE_NOT_A_CODEWORD",
    [0x79] = "BAD_TEXT",
    [0xB0] = "BUSY",
    [0xB1] = "TXN_SEQUENCE",
    [0xB2] = "NOT_APPLICABLE",
    [0xB3] = "HANDLE_UNKNOWN",
    [0xB4] = "HANDLE_EXPIRED",
    [0xB5] = "VERSION_CONFLICT",
    [0xB6] = "IMAGE_INCOMPLETE",
    [0xB7] = "DIGEST_MISMATCH",
    [0xB8] = "TOKEN_MISMATCH",
    [0xB9] = "NOT_VERIFIED",
    [0xBA] = "NO_RECORDS",
    [0xBB] = "LOG_EPOCH_CHANGED",
    [0xBC] = "INTENT_REUSED",
    [0xD0] = "IMAGE_MALFORMED",
    [0xD1] = "SCHEDULE_INVALID",
    [0xD2] = "HARD_LIMIT",
    [0xD3] = "SOFT_LIMIT_UNACKED",
    [0xD4] = "DOSE_MISMATCH",
    [0xD5] = "LOCKOUT",
    [0xD6] = "DAILY_MAX",
    [0xD7] = "RESERVOIR_INSUFFICIENT",
    [0xD8] = "BOLUS_ACTIVE",
    [0xD9] = "BRIDGE_REQUIRED",
    [0xDA] = "DELIVERY_STOPPED",
    [0xDB] = "CLOCK_REQUIRED",
    [0xE0] = "ROLE_FORBIDDEN",
    [0xE1] = "PROXIMITY_REQUIRED",
    [0xE2] = "SESSION_NOT_CONFIRMED",
    [0xE3] = "BOND_REVOKED",
    [0xE4] = "LOCKED_OUT",
    [0xE5] = "BOND_TABLE_FULL",
    [0xE6] = "BOND_PROVISIONAL",
    [0xE7] = "POLICY_FORBIDS",
    [0xE8] = "SIMULATION_ONLY",
    [0xF0] = "INTERNAL",
    [0xF1] = "STORAGE",
    [0xF2] = "MOTOR",
    [0xF3] = "POWER",
    [0xF4] = "CLOCK_INVALID",
    [0xF5] = "SAFE_STATE",
    [0xF6] = "SELF_TEST_FAILED",
  },
  EventType = {
    [0x906] = "BOOT",
    [0x909] = "POWER_DOWN",
    [0x935] = "CLOCK_SET",
    [0x93A] = "TIME_REF",
    [0x953] = "SESSION_OPEN",
    [0x95C] = "SESSION_CLOSE",
    [0x960] = "HS_FAIL",
    [0x96F] = "BOND_ADDED",
    [0x990] = "BOND_REVOKED",
    [0x99F] = "PROG_COMMIT",
    [0x9A3] = "PROG_ABORT",
    [0x9AC] = "PROG_ACTIVATED",
    [0x9C5] = "STEP_CHANGE",
    [0x9CA] = "DELIVERY_STATE",
    [0x9F6] = "BOLUS_ARMED",
    [0x9F9] = "BOLUS_START",
    [0xA05] = "BOLUS_END",
    [0xA0A] = "PATIENT_BOLUS_DENIED",
    [0xA36] = "REFILL",
    [0xA39] = "RESERVOIR_MARK",
    [0xA50] = "ALARM_RAISED",
    [0xA5F] = "ALARM_ACK",
    [0xA63] = "ALARM_CLEARED",
    [0xA6C] = "DAY_TOTAL",
    [0xA93] = "SELF_TEST",
    [0xA9C] = "FAULT",
    [0xAA0] = "CHAIN_CHECKPOINT",
    [0xAAF] = "SOFT_LIMIT_OVERRIDE",
    [0xAC6] = "DATA_CORRUPT",
  },
  FrameKind = { [0x0F] = "LINK", [0x33] = "HANDSHAKE", [0x3C] = "SECURE", [0x55] = "CLEAR" },
  HandshakeStep = { [0x0F] = "FIRST", [0x33] = "SECOND" },
  LinkClass = { [0x33] = "NEAR", [0x3C] = "FAR" },
  LinkErrorCode = { [0x33] = "BUSY", [0x3C] = "VERSION", [0x55] = "LOCKED_OUT", [0x5A] = "HANDSHAKE_MALFORMED", [0x66] = "NO_SESSION" },
  LinkOp = { [0x0F] = "HELLO", [0x33] = "HELLO_RSP", [0x3C] = "PING", [0x55] = "PONG", [0x5A] = "CLOSE", [0x66] = "LINK_ERROR" },
  OpState = { [0x33] = "SHELF", [0x3C] = "IMPLANTED", [0x55] = "ERI", [0x5A] = "EOS", [0x66] = "FAULT" },
  OverrideReason = { [0x0F] = "NONE", [0x33] = "CLINICAL_JUDGEMENT", [0x3C] = "TOLERANT_PATIENT", [0x55] = "PALLIATIVE_CARE", [0x5A] = "SECOND_OPINION", [0x66] = "TRAINING" },
  Priority = { [0x0F] = "NONE", [0x33] = "INFO", [0x3C] = "LOW", [0x55] = "MEDIUM", [0x5A] = "HIGH" },
  ReceiptState = { [0x0F] = "UNKNOWN", [0x33] = "STAGED", [0x3C] = "VERIFIED", [0x55] = "COMMITTED", [0x5A] = "SCHEDULED", [0x66] = "ABORTED", [0x69] = "EXPIRED" },
  Role = { [0x33] = "CLINICIAN", [0x3C] = "PATIENT", [0x55] = "SERVICE", [0x5A] = "READER", [0x66] = "EMERGENCY", [0x69] = "ENROL" },
  ScheduleMode = { [0x33] = "SIMPLE", [0x3C] = "DAILY", [0x55] = "WEEKLY" },
  Suite = { [0x0F] = "KK", [0x33] = "NNPSK0", [0x3C] = "KKPSK2" },
  Switch = { [0x33] = "OFF", [0x3C] = "ON" },
  Which = { [0x33] = "ACTIVE", [0x3C] = "STAGED", [0x55] = "PREVIOUS" },
}
local FLAGS = {
  EventMask = {
    { 1, "STATUS" },
    { 2, "BOLUS" },
    { 4, "LOG" },
    { 8, "ALARM" },
    { 16, "SESSION" },
  },
  Feature = {
    { 1, "WEEKLY_SCHEDULE" },
    { 2, "FAR_LINK" },
    { 4, "LEVEL_SENSOR" },
    { 8, "FLOW_ACTIVATED_VALVE" },
    { 16, "BOLUS" },
    { 32, "NOTIFICATIONS" },
  },
  LogPageFlag = {
    { 1, "MORE" },
    { 2, "GAP" },
    { 4, "CORRUPT" },
  },
  LogRecordFlag = {
    { 1, "CLOCK_UNSET" },
    { 2, "FIRST_AFTER_BOOT" },
    { 4, "CONTINUES" },
  },
  SelfTest = {
    { 1, "MEMORY" },
    { 2, "PROGRAM" },
    { 4, "LOG_CHAIN" },
    { 8, "CLOCK" },
    { 16, "BATTERY" },
    { 32, "MOTOR" },
    { 64, "ALARM_TONE" },
  },
  SoftLimit = {
    { 1, "RATE" },
    { 2, "HOUR_VOLUME" },
    { 4, "DAY_VOLUME" },
    { 8, "BOLUS_VOLUME" },
    { 16, "RESERVOIR_UNDER_ONE_DAY" },
  },
  SuiteBit = {
    { 1, "KK" },
    { 2, "NNPSK0" },
    { 4, "KKPSK2" },
    { 128, "LAB_PLAINTEXT" },
  },
}
local FRAME_TEXTS = {
  proto = "0xA1: protocol A, major version 1",
  kind = "what the payload is, see below",
  flags = "bit 0: 0 to the pump, 1 to the programmer; the other bits are zero",
  seq = "counts the frames of one direction, for loss statistics only",
  link_id = "0xFFFF until HELLO_RSP has told the pump's value",
  len = "octets of payload, 0 to 242; must fit the size of the frame",
  payload = "",
  crc32c = "CRC-32C of all octets before it (reflected, init and final XOR 0xFFFFFFFF)",
}
local RECORD_TEXTS = {
  counter = "Noise message number; each once, strictly rising",
  ciphertext = "ChaCha20-Poly1305 of header and body, as long as they are",
  tag = "authenticates link header, counter and ciphertext",
}
local HEADER_TEXTS = {
  opcode = "codeword of class << 9 | group << 5 | index",
  txn = "requests count from 1; the answer repeats the number",
  rev = "revision of the body, 1",
  mflags = "bit 0 CACHED: sent again from the cache",
  body_len = "octets that follow",
}
local RECORDS = {
  DoseSummary = {
    filter = "oitp.dose_summary",
    [1] = { name = "drug_code", filter = "oitp.dose_summary.drug_code", kind = "word", size = 2, enumeration = "DrugCode", text = "drug" },
    [2] = { name = "dose_ng_per_day", filter = "oitp.dose_summary.dose_ng_per_day", kind = "integer", size = 4, unit = "ng/day", text = "dose of the worst day" },
  },
  LogRecord = {
    filter = "oitp.log_record",
    [1] = { name = "seq", filter = "oitp.log_record.seq", kind = "integer", size = 4, text = "sequence number, never restarts" },
    [2] = { name = "uptime_s", filter = "oitp.log_record.uptime_s", kind = "integer", size = 4, unit = "s", text = "time since start" },
    [3] = { name = "utc_s", filter = "oitp.log_record.utc_s", kind = "integer", size = 4, unit = "s", text = "civil time, 0 where not set" },
    [4] = { name = "type", filter = "oitp.log_record.type", kind = "word", size = 2, enumeration = "EventType", text = "what happened" },
    [5] = { name = "actor_slot", filter = "oitp.log_record.actor_slot", kind = "integer", size = 1, text = "bond slot that caused it, 255 the pump itself" },
    [6] = { name = "flags", filter = "oitp.log_record.flags", kind = "flags", size = 1, enumeration = "LogRecordFlag", text = "circumstances" },
    [7] = { name = "payload", filter = "oitp.log_record.payload", kind = "octets", size = 12, text = "details, laid out by type" },
    [8] = { name = "crc32c", filter = "oitp.log_record.crc32c", kind = "integer", size = 4, text = "CRC-32C of the 28 octets before it" },
  },
  Alarm = {
    filter = "oitp.alarm",
    [1] = { name = "instance", filter = "oitp.alarm.instance", kind = "integer", size = 2, text = "number of this occurrence" },
    [2] = { name = "code", filter = "oitp.alarm.code", kind = "word", size = 2, enumeration = "AlarmCode", text = "condition" },
    [3] = { name = "prio", filter = "oitp.alarm.prio", kind = "word", size = 1, enumeration = "Priority", text = "priority" },
    [4] = { name = "state", filter = "oitp.alarm.state", kind = "word", size = 1, enumeration = "AlarmState", text = "where it stands" },
    [5] = { name = "onset_uptime_s", filter = "oitp.alarm.onset_uptime_s", kind = "integer", size = 4, unit = "s", text = "uptime at onset" },
    [6] = { name = "onset_utc_s", filter = "oitp.alarm.onset_utc_s", kind = "integer", size = 4, unit = "s", text = "UTC at onset, 0 where not set" },
    [7] = { name = "detail", filter = "oitp.alarm.detail", kind = "integer", size = 4, text = "what the condition says, e.g. the volume left in nL" },
  },
  BondEntry = {
    filter = "oitp.bond_entry",
    [1] = { name = "slot", filter = "oitp.bond_entry.slot", kind = "integer", size = 2, text = "number of the bond" },
    [2] = { name = "role", filter = "oitp.bond_entry.role", kind = "word", size = 1, enumeration = "Role", text = "role" },
    [3] = { name = "state", filter = "oitp.bond_entry.state", kind = "word", size = 1, enumeration = "BondState", text = "how far it is trusted" },
    [4] = { name = "last_utc_s", filter = "oitp.bond_entry.last_utc_s", kind = "integer", size = 4, unit = "s", text = "UTC of its last session, 0 where there was none or no clock" },
    [5] = { name = "label", filter = "oitp.bond_entry.label", kind = "text", size = 16, text = "name of the programmer" },
  },
}
local RECORD_ORDER = { "DoseSummary", "LogRecord", "Alarm", "BondEntry" }
local LOG_PAYLOADS = {
  [0x906] = {
    { name = "boot_count", filter = "oitp.log.boot.boot_count", kind = "integer", size = 4, text = "starts of the firmware" },
  },
  [0x953] = {
    { name = "session_id", filter = "oitp.log.session_open.session_id", kind = "integer", size = 4, text = "session" },
    { name = "slot", filter = "oitp.log.session_open.slot", kind = "integer", size = 2, text = "bond slot" },
    { name = "role", filter = "oitp.log.session_open.role", kind = "word", size = 1, enumeration = "Role", text = "role" },
  },
  [0x95C] = {
    { name = "session_id", filter = "oitp.log.session_close.session_id", kind = "integer", size = 4, text = "session" },
    { name = "reason", filter = "oitp.log.session_close.reason", kind = "word", size = 1, enumeration = "CloseReason", text = "why" },
  },
  [0x960] = {
    { name = "slot", filter = "oitp.log.hs_fail.slot", kind = "integer", size = 2, text = "slot it named" },
    { name = "total", filter = "oitp.log.hs_fail.total", kind = "integer", size = 4, text = "failures so far" },
  },
  [0x96F] = {
    { name = "slot", filter = "oitp.log.bond_added.slot", kind = "integer", size = 2, text = "bond slot" },
    { name = "role", filter = "oitp.log.bond_added.role", kind = "word", size = 1, enumeration = "Role", text = "role" },
    { name = "state", filter = "oitp.log.bond_added.state", kind = "word", size = 1, enumeration = "BondState", text = "state" },
  },
  [0x99F] = {
    { name = "version", filter = "oitp.log.prog_commit.version", kind = "integer", size = 4, text = "program version" },
    { name = "day_volume_nl", filter = "oitp.log.prog_commit.day_volume_nl", kind = "integer", size = 4, unit = "nL", text = "volume of the largest day" },
    { name = "dose_ng_per_day", filter = "oitp.log.prog_commit.dose_ng_per_day", kind = "integer", size = 4, unit = "ng/day", text = "dose of the primary drug" },
  },
  [0x9A3] = {
    { name = "handle", filter = "oitp.log.prog_abort.handle", kind = "integer", size = 4, text = "transaction" },
    { name = "base_version", filter = "oitp.log.prog_abort.base_version", kind = "integer", size = 4, text = "version that stays active" },
  },
  [0x9AC] = {
    { name = "version", filter = "oitp.log.prog_activated.version", kind = "integer", size = 4, text = "program version" },
    { name = "rate_nl_h", filter = "oitp.log.prog_activated.rate_nl_h", kind = "integer", size = 4, unit = "nL/h", text = "rate from now on" },
  },
  [0x9CA] = {
    { name = "before", filter = "oitp.log.delivery_state.before", kind = "word", size = 1, enumeration = "DeliveryState", text = "state before" },
    { name = "after", filter = "oitp.log.delivery_state.after", kind = "word", size = 1, enumeration = "DeliveryState", text = "state after" },
    { name = "rate_nl_h", filter = "oitp.log.delivery_state.rate_nl_h", kind = "integer", size = 4, unit = "nL/h", text = "rate after" },
    { name = "minutes", filter = "oitp.log.delivery_state.minutes", kind = "integer", size = 2, unit = "min", text = "for how long, 0 where that is not limited" },
    { name = "reason", filter = "oitp.log.delivery_state.reason", kind = "word", size = 1, enumeration = "DeliveryReason", text = "why, NONE where the pump did it by itself" },
  },
  [0x9F6] = {
    { name = "bolus_id", filter = "oitp.log.bolus_armed.bolus_id", kind = "integer", size = 4, text = "number of the bolus" },
    { name = "kind", filter = "oitp.log.bolus_armed.kind", kind = "word", size = 1, enumeration = "BolusKind", text = "what it is for" },
    { name = "volume_nl", filter = "oitp.log.bolus_armed.volume_nl", kind = "integer", size = 4, unit = "nL", text = "volume" },
  },
  [0x9F9] = {
    { name = "bolus_id", filter = "oitp.log.bolus_start.bolus_id", kind = "integer", size = 4, text = "number of the bolus" },
    { name = "kind", filter = "oitp.log.bolus_start.kind", kind = "word", size = 1, enumeration = "BolusKind", text = "what it is for" },
    { name = "soft_ack", filter = "oitp.log.bolus_start.soft_ack", kind = "flags", size = 1, enumeration = "SoftLimit", text = "soft limits passed" },
    { name = "reason", filter = "oitp.log.bolus_start.reason", kind = "word", size = 1, enumeration = "OverrideReason", text = "why they may be" },
    { name = "volume_nl", filter = "oitp.log.bolus_start.volume_nl", kind = "integer", size = 4, unit = "nL", text = "volume" },
  },
  [0xA05] = {
    { name = "bolus_id", filter = "oitp.log.bolus_end.bolus_id", kind = "integer", size = 4, text = "number of the bolus" },
    { name = "state", filter = "oitp.log.bolus_end.state", kind = "word", size = 1, enumeration = "BolusState", text = "how it ended" },
    { name = "delivered_nl", filter = "oitp.log.bolus_end.delivered_nl", kind = "integer", size = 4, unit = "nL", text = "delivered of it" },
  },
  [0xA0A] = {
    { name = "code", filter = "oitp.log.patient_bolus_denied.code", kind = "word", size = 1, enumeration = "ErrorCode", text = "why" },
    { name = "detail", filter = "oitp.log.patient_bolus_denied.detail", kind = "integer", size = 4, text = "what the code says, e.g. seconds left" },
  },
  [0x935] = {
    { name = "before_utc_s", filter = "oitp.log.clock_set.before_utc_s", kind = "integer", size = 4, unit = "s", text = "UTC before, 0 where it was not set" },
    { name = "after_utc_s", filter = "oitp.log.clock_set.after_utc_s", kind = "integer", size = 4, unit = "s", text = "UTC after" },
    { name = "time_base", filter = "oitp.log.clock_set.time_base", kind = "integer", size = 2, text = "number of this setting" },
    { name = "source", filter = "oitp.log.clock_set.source", kind = "word", size = 1, enumeration = "ClockSource", text = "where the time comes from" },
  },
  [0x990] = {
    { name = "slot", filter = "oitp.log.bond_revoked.slot", kind = "integer", size = 2, text = "bond slot" },
    { name = "role", filter = "oitp.log.bond_revoked.role", kind = "word", size = 1, enumeration = "Role", text = "role it had" },
  },
  [0xA36] = {
    { name = "withdrawn_nl", filter = "oitp.log.refill.withdrawn_nl", kind = "integer", size = 4, unit = "nL", text = "withdrawn" },
    { name = "filled_nl", filter = "oitp.log.refill.filled_nl", kind = "integer", size = 4, unit = "nL", text = "filled" },
    { name = "expected_nl", filter = "oitp.log.refill.expected_nl", kind = "integer", size = 4, unit = "nL", text = "residual the pump had computed" },
  },
  [0xA50] = {
    { name = "instance", filter = "oitp.log.alarm_raised.instance", kind = "integer", size = 2, text = "occurrence" },
    { name = "code", filter = "oitp.log.alarm_raised.code", kind = "word", size = 2, enumeration = "AlarmCode", text = "condition" },
    { name = "prio", filter = "oitp.log.alarm_raised.prio", kind = "word", size = 1, enumeration = "Priority", text = "priority" },
    { name = "detail", filter = "oitp.log.alarm_raised.detail", kind = "integer", size = 4, text = "what the condition says" },
  },
  [0xA5F] = {
    { name = "instance", filter = "oitp.log.alarm_ack.instance", kind = "integer", size = 2, text = "occurrence" },
    { name = "code", filter = "oitp.log.alarm_ack.code", kind = "word", size = 2, enumeration = "AlarmCode", text = "condition" },
    { name = "state", filter = "oitp.log.alarm_ack.state", kind = "word", size = 1, enumeration = "AlarmState", text = "where it stands since" },
    { name = "seconds", filter = "oitp.log.alarm_ack.seconds", kind = "integer", size = 2, unit = "s", text = "how long it is silent, 0 where it was acknowledged" },
  },
  [0xA63] = {
    { name = "instance", filter = "oitp.log.alarm_cleared.instance", kind = "integer", size = 2, text = "occurrence" },
    { name = "code", filter = "oitp.log.alarm_cleared.code", kind = "word", size = 2, enumeration = "AlarmCode", text = "condition" },
  },
  [0xA93] = {
    { name = "results", filter = "oitp.log.self_test.results", kind = "flags", size = 1, enumeration = "SelfTest", text = "tests that were run" },
    { name = "failed", filter = "oitp.log.self_test.failed", kind = "flags", size = 1, enumeration = "SelfTest", text = "tests among them that failed" },
  },
  [0xAA0] = {
    { name = "chain", filter = "oitp.log.chain_checkpoint.chain", kind = "octets", size = 12, text = "first octets of the hash before this record" },
  },
  [0xAAF] = {
    { name = "version", filter = "oitp.log.soft_limit_override.version", kind = "integer", size = 4, text = "program version" },
    { name = "soft_ack", filter = "oitp.log.soft_limit_override.soft_ack", kind = "integer", size = 4, text = "limits passed" },
    { name = "reason", filter = "oitp.log.soft_limit_override.reason", kind = "word", size = 1, enumeration = "OverrideReason", text = "why" },
  },
  [0xAC6] = {
    { name = "cell", filter = "oitp.log.data_corrupt.cell", kind = "octets", size = 12, text = "name of the storage cell, padded with 0x00" },
  },
  [0xA9C] = {
    { name = "defects", filter = "oitp.log.fault.defects", kind = "integer", size = 4, text = "mask of the defects, bits as the registry of the firmware gives them" },
  },
}
local BODIES = {
  {
    { name = "client_kind", filter = "oitp.session_confirm.client_kind", kind = "word", size = 1, enumeration = "ClientKind", text = "what kind of program asks" },
    { name = "client_version", filter = "oitp.session_confirm.client_version", kind = "integer", size = 2, text = "version of the client, major * 256 + minor" },
    { name = "operator", filter = "oitp.session_confirm.operator", kind = "text", size = 16, text = "who sits at the programmer" },
  },
  {
    { name = "session_id", filter = "oitp.session_confirm.session_id", kind = "integer", size = 4, text = "id of this session" },
    { name = "role", filter = "oitp.session_confirm.role", kind = "word", size = 1, enumeration = "Role", text = "role of the bond" },
    { name = "privileges", filter = "oitp.session_confirm.privileges", kind = "integer", size = 4, text = "bit n set: message group n has a request this role may send" },
    { name = "idle_timeout_s", filter = "oitp.session_confirm.idle_timeout_s", kind = "integer", size = 2, unit = "s", text = "silence after which the pump closes the session" },
    { name = "schema_crc", filter = "oitp.session_confirm.schema_crc", kind = "integer", size = 4, text = "CRC-32C of the canonical message schema" },
    { name = "boot_count", filter = "oitp.session_confirm.boot_count", kind = "integer", size = 4, text = "starts of the pump's firmware" },
    { name = "uptime_s", filter = "oitp.session_confirm.uptime_s", kind = "integer", size = 4, unit = "s", text = "time since that start" },
  },
  {},
  {
    { name = "uptime_s", filter = "oitp.keepalive.uptime_s", kind = "integer", size = 4, unit = "s", text = "time since start" },
    { name = "delivery_state", filter = "oitp.keepalive.delivery_state", kind = "word", size = 1, enumeration = "DeliveryState", text = "what the pump is doing" },
    { name = "alarm_max_prio", filter = "oitp.keepalive.alarm_max_prio", kind = "word", size = 1, enumeration = "Priority", text = "highest priority among the standing alarms" },
    { name = "log_last_seq", filter = "oitp.keepalive.log_last_seq", kind = "integer", size = 4, text = "sequence number of the newest log record" },
  },
  {
    { name = "reason", filter = "oitp.session_close.reason", kind = "word", size = 1, enumeration = "CloseReason", text = "why" },
  },
  {},
  {
    { name = "event_mask", filter = "oitp.subscribe.event_mask", kind = "flags", size = 4, enumeration = "EventMask", text = "kinds of notification wanted" },
    { name = "status_period_s", filter = "oitp.subscribe.status_period_s", kind = "integer", size = 2, unit = "s", text = "time between two STATUS_PUSH, 0 none", high = 3600 },
  },
  {
    { name = "event_mask", filter = "oitp.subscribe.event_mask", kind = "flags", size = 4, enumeration = "EventMask", text = "kinds of notification granted" },
    { name = "status_period_s", filter = "oitp.subscribe.status_period_s", kind = "integer", size = 2, unit = "s", text = "time between two STATUS_PUSH, 0 for none" },
  },
  {
    { name = "notify_seq", filter = "oitp.notify_ack.notify_seq", kind = "integer", size = 4, text = "highest number received without a gap that matters" },
  },
  {
    { name = "pending", filter = "oitp.notify_ack.pending", kind = "integer", size = 2, text = "notifications that will be repeated" },
  },
  {},
  {
    { name = "serial", filter = "oitp.get_device_info.serial", kind = "text", size = 16, text = "serial number" },
    { name = "model", filter = "oitp.get_device_info.model", kind = "integer", size = 2, text = "model number of the profile" },
    { name = "hw_rev", filter = "oitp.get_device_info.hw_rev", kind = "integer", size = 2, text = "hardware revision" },
    { name = "fw_version", filter = "oitp.get_device_info.fw_version", kind = "integer", size = 4, text = "firmware version, major * 65536 + minor * 256 + patch" },
    { name = "features", filter = "oitp.get_device_info.features", kind = "flags", size = 4, enumeration = "Feature", text = "what it can do beyond the base" },
    { name = "reservoir_capacity_nl", filter = "oitp.get_device_info.reservoir_capacity_nl", kind = "integer", size = 4, unit = "nL", text = "capacity of the reservoir" },
    { name = "rate_min_nl_h", filter = "oitp.get_device_info.rate_min_nl_h", kind = "integer", size = 4, unit = "nL/h", text = "lowest therapy rate; MIN_RATE lies below" },
    { name = "rate_max_nl_h", filter = "oitp.get_device_info.rate_max_nl_h", kind = "integer", size = 4, unit = "nL/h", text = "highest rate" },
    { name = "bolus_max_nl", filter = "oitp.get_device_info.bolus_max_nl", kind = "integer", size = 4, unit = "nL", text = "largest bolus" },
    { name = "max_steps", filter = "oitp.get_device_info.max_steps", kind = "integer", size = 1, text = "steps a schedule may have" },
    { name = "max_drugs", filter = "oitp.get_device_info.max_drugs", kind = "integer", size = 1, text = "drugs a program may name" },
    { name = "log_capacity", filter = "oitp.get_device_info.log_capacity", kind = "integer", size = 4, text = "records the log ring holds" },
    { name = "made_utc_s", filter = "oitp.get_device_info.made_utc_s", kind = "integer", size = 4, unit = "s", text = "UTC of manufacture" },
    { name = "implanted_utc_s", filter = "oitp.get_device_info.implanted_utc_s", kind = "integer", size = 4, unit = "s", text = "UTC of implantation, 0 where not implanted" },
    { name = "service_life_days", filter = "oitp.get_device_info.service_life_days", kind = "integer", size = 2, unit = "d", text = "hard service life from implantation" },
  },
  {},
  {
    { name = "uptime_s", filter = "oitp.get_status.uptime_s", kind = "integer", size = 4, unit = "s", text = "time since start" },
    { name = "utc_s", filter = "oitp.get_status.utc_s", kind = "integer", size = 4, unit = "s", text = "pump's civil time, 0 where not set" },
    { name = "delivery_state", filter = "oitp.get_status.delivery_state", kind = "word", size = 1, enumeration = "DeliveryState", text = "what the pump is doing" },
    { name = "op_state", filter = "oitp.get_status.op_state", kind = "word", size = 1, enumeration = "OpState", text = "where it is in its life" },
    { name = "rate_nl_h", filter = "oitp.get_status.rate_nl_h", kind = "integer", size = 4, unit = "nL/h", text = "commanded rate now" },
    { name = "reservoir_nl", filter = "oitp.get_status.reservoir_nl", kind = "integer", size = 4, unit = "nL", text = "computed content of the reservoir" },
    { name = "since_midnight_nl", filter = "oitp.get_status.since_midnight_nl", kind = "integer", size = 4, unit = "nL", text = "commanded since the pump's local midnight" },
    { name = "lifetime_nl", filter = "oitp.get_status.lifetime_nl", kind = "integer", size = 8, unit = "nL", text = "commanded since manufacture" },
    { name = "battery_mv", filter = "oitp.get_status.battery_mv", kind = "integer", size = 2, unit = "mV", text = "cell voltage" },
    { name = "battery_permille", filter = "oitp.get_status.battery_permille", kind = "integer", size = 2, unit = "0/00", text = "estimated charge left", high = 1000 },
    { name = "eri_days", filter = "oitp.get_status.eri_days", kind = "integer", size = 2, unit = "d", text = "days to the elective replacement indicator, 65535 unknown" },
    { name = "temp_cdeg", filter = "oitp.get_status.temp_cdeg", kind = "integer", size = 2, unit = "0.01 degC", text = "temperature", signed = true },
    { name = "alarm_count", filter = "oitp.get_status.alarm_count", kind = "integer", size = 1, text = "standing alarms" },
    { name = "alarm_max_prio", filter = "oitp.get_status.alarm_max_prio", kind = "word", size = 1, enumeration = "Priority", text = "highest priority among them" },
    { name = "log_last_seq", filter = "oitp.get_status.log_last_seq", kind = "integer", size = 4, text = "sequence number of the newest log record" },
    { name = "program_version", filter = "oitp.get_status.program_version", kind = "integer", size = 4, text = "version of the active program, 0 where none" },
    { name = "last_txn_id", filter = "oitp.get_status.last_txn_id", kind = "integer", size = 2, text = "transaction id before this one" },
    { name = "active_step", filter = "oitp.get_status.active_step", kind = "integer", size = 1, text = "index of the active schedule step, 255 where none" },
    { name = "bolus_state", filter = "oitp.get_status.bolus_state", kind = "word", size = 1, enumeration = "BolusState", text = "where the current bolus stands" },
    { name = "bolus_id", filter = "oitp.get_status.bolus_id", kind = "integer", size = 4, text = "its id, 0 where none" },
    { name = "bolus_delivered_nl", filter = "oitp.get_status.bolus_delivered_nl", kind = "integer", size = 4, unit = "nL", text = "delivered of it" },
    { name = "bolus_total_nl", filter = "oitp.get_status.bolus_total_nl", kind = "integer", size = 4, unit = "nL", text = "its whole volume" },
    { name = "next_change_s", filter = "oitp.get_status.next_change_s", kind = "integer", size = 4, unit = "s", text = "time to the next change of rate, 4294967295 where none" },
  },
  {
    { name = "day_back", filter = "oitp.get_day_totals.day_back", kind = "integer", size = 1, unit = "d", text = "0 today, 1 yesterday ..", high = 30 },
  },
  {
    { name = "day_utc_s", filter = "oitp.get_day_totals.day_utc_s", kind = "integer", size = 4, unit = "s", text = "UTC of the local midnight it began with, 0 no clock" },
    { name = "basal_nl", filter = "oitp.get_day_totals.basal_nl", kind = "integer", size = 4, unit = "nL", text = "by the rate table and the minimum rate" },
    { name = "patient_bolus_nl", filter = "oitp.get_day_totals.patient_bolus_nl", kind = "integer", size = 4, unit = "nL", text = "by patient boluses" },
    { name = "clinician_bolus_nl", filter = "oitp.get_day_totals.clinician_bolus_nl", kind = "integer", size = 4, unit = "nL", text = "by clinician boluses" },
    { name = "prime_nl", filter = "oitp.get_day_totals.prime_nl", kind = "integer", size = 4, unit = "nL", text = "by prime and bridge boluses" },
    { name = "suspended_s", filter = "oitp.get_day_totals.suspended_s", kind = "integer", size = 4, unit = "s", text = "time without delivery" },
    { name = "patient_bolus_given", filter = "oitp.get_day_totals.patient_bolus_given", kind = "integer", size = 1, text = "patient boluses begun, at most 255" },
    { name = "patient_bolus_denied", filter = "oitp.get_day_totals.patient_bolus_denied", kind = "integer", size = 1, text = "patient boluses refused, at most 255" },
  },
  {
    { name = "which", filter = "oitp.get_program_info.which", kind = "word", size = 1, enumeration = "Which", text = "which program" },
  },
  {
    { name = "which", filter = "oitp.get_program_info.which", kind = "word", size = 1, enumeration = "Which", text = "which program" },
    { name = "version", filter = "oitp.get_program_info.version", kind = "integer", size = 4, text = "program version, 0 where there is none" },
    { name = "image_len", filter = "oitp.get_program_info.image_len", kind = "integer", size = 2, unit = "octets", text = "size of the image, 0 where there is none" },
    { name = "digest", filter = "oitp.get_program_info.digest", kind = "octets", size = 16, text = "first 16 octets of the image's SHA-256" },
    { name = "committed_utc_s", filter = "oitp.get_program_info.committed_utc_s", kind = "integer", size = 4, unit = "s", text = "UTC of the commit" },
    { name = "actor_slot", filter = "oitp.get_program_info.actor_slot", kind = "integer", size = 1, text = "bond slot that committed it, 255 the factory" },
  },
  {
    { name = "version", filter = "oitp.read_program.version", kind = "integer", size = 4, text = "program version the block must belong to" },
    { name = "offset", filter = "oitp.read_program.offset", kind = "integer", size = 2, unit = "octets", text = "where the block starts" },
    { name = "length", filter = "oitp.read_program.length", kind = "integer", size = 1, unit = "octets", text = "how much, 1..192", low = 1, high = 192 },
  },
  {
    { name = "version", filter = "oitp.read_program.version", kind = "integer", size = 4, text = "program version" },
    { name = "offset", filter = "oitp.read_program.offset", kind = "integer", size = 2, unit = "octets", text = "where the block starts" },
    { name = "data", filter = "oitp.read_program.data", kind = "block", size = 1, limit = 192, text = "octets of the image" },
  },
  {
    { name = "base_version", filter = "oitp.prog_begin.base_version", kind = "integer", size = 4, text = "version of the program this one replaces" },
    { name = "image_len", filter = "oitp.prog_begin.image_len", kind = "integer", size = 2, unit = "octets", text = "size of the new image", low = 1, high = 1536 },
    { name = "intent_id", filter = "oitp.prog_begin.intent_id", kind = "octets", size = 16, nonzero = true, text = "random id of the intent, stored before it is sent" },
  },
  {
    { name = "handle", filter = "oitp.prog_begin.handle", kind = "integer", size = 4, text = "names the transaction" },
    { name = "expires_s", filter = "oitp.prog_begin.expires_s", kind = "integer", size = 2, unit = "s", text = "how long it lives" },
    { name = "max_block", filter = "oitp.prog_begin.max_block", kind = "integer", size = 1, unit = "octets", text = "largest block" },
  },
  {
    { name = "handle", filter = "oitp.prog_stage.handle", kind = "integer", size = 4, text = "the transaction" },
    { name = "offset", filter = "oitp.prog_stage.offset", kind = "integer", size = 2, unit = "octets", text = "where the block starts" },
    { name = "data", filter = "oitp.prog_stage.data", kind = "block", size = 1, limit = 192, text = "octets of the image" },
  },
  {
    { name = "handle", filter = "oitp.prog_stage.handle", kind = "integer", size = 4, text = "the transaction" },
    { name = "received", filter = "oitp.prog_stage.received", kind = "integer", size = 2, unit = "octets", text = "octets staged" },
    { name = "next_gap", filter = "oitp.prog_stage.next_gap", kind = "integer", size = 2, unit = "octets", text = "first octet still missing, the image's size where none is" },
  },
  {
    { name = "handle", filter = "oitp.prog_verify.handle", kind = "integer", size = 4, text = "the transaction" },
    { name = "sha256", filter = "oitp.prog_verify.sha256", kind = "octets", size = 32, text = "SHA-256 of the image" },
  },
  {
    { name = "handle", filter = "oitp.prog_verify.handle", kind = "integer", size = 4, text = "the transaction" },
    { name = "token", filter = "oitp.prog_verify.token", kind = "octets", size = 8, text = "binds this summary to the commit" },
    { name = "rate_min_nl_h", filter = "oitp.prog_verify.rate_min_nl_h", kind = "integer", size = 4, unit = "nL/h", text = "lowest step" },
    { name = "rate_max_nl_h", filter = "oitp.prog_verify.rate_max_nl_h", kind = "integer", size = 4, unit = "nL/h", text = "highest step" },
    { name = "day_volume_nl", filter = "oitp.prog_verify.day_volume_nl", kind = "integer", size = 4, unit = "nL", text = "volume of the largest day" },
    { name = "max_hour_nl", filter = "oitp.prog_verify.max_hour_nl", kind = "integer", size = 4, unit = "nL", text = "largest volume of any sliding hour" },
    { name = "reservoir_days_x10", filter = "oitp.prog_verify.reservoir_days_x10", kind = "integer", size = 2, unit = "0.1 d", text = "days to an empty reservoir, 65535 or more is capped" },
    { name = "refill_by_utc_s", filter = "oitp.prog_verify.refill_by_utc_s", kind = "integer", size = 4, unit = "s", text = "UTC of the low-reservoir alarm, 0 where the clock is not set" },
    { name = "soft_flags", filter = "oitp.prog_verify.soft_flags", kind = "flags", size = 4, enumeration = "SoftLimit", text = "soft limits passed" },
    { name = "doses", filter = "oitp.prog_verify.doses", kind = "records", size = 1, item = "DoseSummary", limit = 4, text = "dose of each drug" },
  },
  {
    { name = "handle", filter = "oitp.prog_commit.handle", kind = "integer", size = 4, text = "the transaction" },
    { name = "token", filter = "oitp.prog_commit.token", kind = "octets", size = 8, text = "token of the verification" },
    { name = "soft_ack", filter = "oitp.prog_commit.soft_ack", kind = "flags", size = 4, enumeration = "SoftLimit", text = "soft limits a person acknowledged" },
    { name = "override_reason", filter = "oitp.prog_commit.override_reason", kind = "word", size = 1, enumeration = "OverrideReason", text = "why, NONE where no limit is passed" },
    { name = "effective_utc_s", filter = "oitp.prog_commit.effective_utc_s", kind = "integer", size = 4, unit = "s", text = "0 at once, else UTC at which it takes effect" },
  },
  {
    { name = "state", filter = "oitp.prog_commit.state", kind = "word", size = 1, enumeration = "ReceiptState", text = "outcome" },
    { name = "version", filter = "oitp.prog_commit.version", kind = "integer", size = 4, text = "program version it made, 0 where none" },
    { name = "uptime_s", filter = "oitp.prog_commit.uptime_s", kind = "integer", size = 4, unit = "s", text = "uptime of the outcome" },
    { name = "utc_s", filter = "oitp.prog_commit.utc_s", kind = "integer", size = 4, unit = "s", text = "UTC of the outcome, 0 where the clock was not set" },
    { name = "log_seq", filter = "oitp.prog_commit.log_seq", kind = "integer", size = 4, text = "log record that tells of it, 0 where none" },
    { name = "digest", filter = "oitp.prog_commit.digest", kind = "octets", size = 16, text = "digest of the program, zeros where none" },
    { name = "intent_id", filter = "oitp.prog_commit.intent_id", kind = "octets", size = 16, text = "the intent" },
  },
  {
    { name = "handle", filter = "oitp.prog_abort.handle", kind = "integer", size = 4, text = "the transaction" },
  },
  {
    { name = "handle", filter = "oitp.prog_abort.handle", kind = "integer", size = 4, text = "the transaction" },
  },
  {
    { name = "intent_id", filter = "oitp.get_receipt.intent_id", kind = "octets", size = 16, nonzero = true, text = "the intent" },
  },
  {
    { name = "state", filter = "oitp.get_receipt.state", kind = "word", size = 1, enumeration = "ReceiptState", text = "outcome" },
    { name = "version", filter = "oitp.get_receipt.version", kind = "integer", size = 4, text = "program version it made, 0 where none" },
    { name = "uptime_s", filter = "oitp.get_receipt.uptime_s", kind = "integer", size = 4, unit = "s", text = "uptime of the outcome" },
    { name = "utc_s", filter = "oitp.get_receipt.utc_s", kind = "integer", size = 4, unit = "s", text = "UTC of the outcome, 0 where the clock was not set" },
    { name = "log_seq", filter = "oitp.get_receipt.log_seq", kind = "integer", size = 4, text = "log record that tells of it, 0 where none" },
    { name = "digest", filter = "oitp.get_receipt.digest", kind = "octets", size = 16, text = "digest of the program, zeros where none" },
    { name = "intent_id", filter = "oitp.get_receipt.intent_id", kind = "octets", size = 16, text = "the intent" },
  },
  {
    { name = "kind", filter = "oitp.bolus_arm.kind", kind = "word", size = 1, enumeration = "BolusKind", text = "what it is for; not PATIENT" },
    { name = "volume_nl", filter = "oitp.bolus_arm.volume_nl", kind = "integer", size = 4, unit = "nL", text = "volume", low = 1 },
    { name = "duration_s", filter = "oitp.bolus_arm.duration_s", kind = "integer", size = 4, unit = "s", text = "time it takes", low = 60, high = 86400 },
    { name = "declared_dose_ng", filter = "oitp.bolus_arm.declared_dose_ng", kind = "integer", size = 4, unit = "ng", text = "dose of the primary drug by the programmer's own arithmetic" },
    { name = "intent_id", filter = "oitp.bolus_arm.intent_id", kind = "octets", size = 16, nonzero = true, text = "intent of the person, random" },
  },
  {
    { name = "bolus_id", filter = "oitp.bolus_arm.bolus_id", kind = "integer", size = 4, text = "number of the bolus, never used twice" },
    { name = "token", filter = "oitp.bolus_arm.token", kind = "octets", size = 8, text = "binds this summary to the start" },
    { name = "expires_s", filter = "oitp.bolus_arm.expires_s", kind = "integer", size = 2, unit = "s", text = "how long the token is good" },
    { name = "rate_nl_h", filter = "oitp.bolus_arm.rate_nl_h", kind = "integer", size = 4, unit = "nL/h", text = "rate of the bolus over the basal rate, rounded half up" },
    { name = "dose_ng", filter = "oitp.bolus_arm.dose_ng", kind = "integer", size = 4, unit = "ng", text = "dose of the primary drug" },
    { name = "soft_flags", filter = "oitp.bolus_arm.soft_flags", kind = "flags", size = 4, enumeration = "SoftLimit", text = "soft limits it passes" },
  },
  {
    { name = "bolus_id", filter = "oitp.bolus_start.bolus_id", kind = "integer", size = 4, text = "number of the bolus" },
    { name = "token", filter = "oitp.bolus_start.token", kind = "octets", size = 8, text = "token of the arming" },
    { name = "soft_ack", filter = "oitp.bolus_start.soft_ack", kind = "flags", size = 4, enumeration = "SoftLimit", text = "soft limits a person acknowledges" },
    { name = "override_reason", filter = "oitp.bolus_start.override_reason", kind = "word", size = 1, enumeration = "OverrideReason", text = "why they may be passed" },
  },
  {
    { name = "bolus_id", filter = "oitp.bolus_start.bolus_id", kind = "integer", size = 4, text = "number of the bolus" },
    { name = "start_uptime_s", filter = "oitp.bolus_start.start_uptime_s", kind = "integer", size = 4, unit = "s", text = "uptime of the start" },
    { name = "log_seq", filter = "oitp.bolus_start.log_seq", kind = "integer", size = 4, text = "log record that tells of it" },
  },
  {
    { name = "bolus_id", filter = "oitp.bolus_cancel.bolus_id", kind = "integer", size = 4, text = "number of the bolus" },
  },
  {
    { name = "bolus_id", filter = "oitp.bolus_cancel.bolus_id", kind = "integer", size = 4, text = "number of the bolus" },
    { name = "delivered_nl", filter = "oitp.bolus_cancel.delivered_nl", kind = "integer", size = 4, unit = "nL", text = "delivered of it" },
    { name = "cancelled_nl", filter = "oitp.bolus_cancel.cancelled_nl", kind = "integer", size = 4, unit = "nL", text = "not delivered" },
    { name = "log_seq", filter = "oitp.bolus_cancel.log_seq", kind = "integer", size = 4, text = "log record that tells of it" },
  },
  {
    { name = "intent_id", filter = "oitp.patient_bolus.intent_id", kind = "octets", size = 16, nonzero = true, text = "intent of the person, random" },
  },
  {
    { name = "bolus_id", filter = "oitp.patient_bolus.bolus_id", kind = "integer", size = 4, text = "number of the bolus" },
    { name = "volume_nl", filter = "oitp.patient_bolus.volume_nl", kind = "integer", size = 4, unit = "nL", text = "volume" },
    { name = "duration_s", filter = "oitp.patient_bolus.duration_s", kind = "integer", size = 4, unit = "s", text = "time it takes" },
    { name = "left_today", filter = "oitp.patient_bolus.left_today", kind = "integer", size = 1, text = "boluses left in the present 24 h" },
    { name = "lockout_s", filter = "oitp.patient_bolus.lockout_s", kind = "integer", size = 4, unit = "s", text = "time until the next one may be asked for" },
  },
  {
    { name = "target_state", filter = "oitp.set_delivery.target_state", kind = "word", size = 1, enumeration = "DeliveryState", text = "STOPPED, MIN_RATE or RUNNING" },
    { name = "max_minutes", filter = "oitp.set_delivery.max_minutes", kind = "integer", size = 2, unit = "min", text = "after this time the program resumes by itself; 0 for RUNNING" },
    { name = "reason", filter = "oitp.set_delivery.reason", kind = "word", size = 1, enumeration = "DeliveryReason", text = "why; not NONE" },
    { name = "program_version", filter = "oitp.set_delivery.program_version", kind = "integer", size = 4, text = "program the person has seen (compare and set)" },
  },
  {
    { name = "delivery_state", filter = "oitp.set_delivery.delivery_state", kind = "word", size = 1, enumeration = "DeliveryState", text = "what the pump is doing" },
    { name = "rate_nl_h", filter = "oitp.set_delivery.rate_nl_h", kind = "integer", size = 4, unit = "nL/h", text = "commanded rate now" },
    { name = "auto_resume_utc_s", filter = "oitp.set_delivery.auto_resume_utc_s", kind = "integer", size = 4, unit = "s", text = "UTC at which the program resumes, 0 for none" },
    { name = "log_seq", filter = "oitp.set_delivery.log_seq", kind = "integer", size = 4, text = "log record that tells of it" },
  },
  {},
  {
    { name = "uptime_ms", filter = "oitp.get_clock.uptime_ms", kind = "integer", size = 8, unit = "ms", text = "time since start, monotonic" },
    { name = "utc_s", filter = "oitp.get_clock.utc_s", kind = "integer", size = 4, unit = "s", text = "civil time, 0 where not set" },
    { name = "utc_offset_min", filter = "oitp.get_clock.utc_offset_min", kind = "integer", size = 2, unit = "min", text = "offset of the schedule's local time", low = -840, high = 840, signed = true },
    { name = "boot_count", filter = "oitp.get_clock.boot_count", kind = "integer", size = 4, text = "starts of the firmware" },
    { name = "time_base", filter = "oitp.get_clock.time_base", kind = "integer", size = 2, text = "grows by one each time the clock is set" },
    { name = "state", filter = "oitp.get_clock.state", kind = "word", size = 1, enumeration = "ClockState", text = "whether civil time is known" },
  },
  {
    { name = "utc_s", filter = "oitp.set_clock.utc_s", kind = "integer", size = 4, unit = "s", text = "civil time, Unix seconds", low = 1 },
    { name = "utc_offset_min", filter = "oitp.set_clock.utc_offset_min", kind = "integer", size = 2, unit = "min", text = "offset of the programmer's local time", low = -840, high = 840, signed = true },
    { name = "source", filter = "oitp.set_clock.source", kind = "word", size = 1, enumeration = "ClockSource", text = "where the time comes from" },
  },
  {
    { name = "step_s", filter = "oitp.set_clock.step_s", kind = "integer", size = 4, unit = "s", text = "new minus old civil time, 0 where it was not set, at most +-2^31", signed = true },
    { name = "time_base", filter = "oitp.set_clock.time_base", kind = "integer", size = 2, text = "number of this setting" },
    { name = "log_seq", filter = "oitp.set_clock.log_seq", kind = "integer", size = 4, text = "log record that tells of it" },
  },
  {},
  {
    { name = "log_epoch", filter = "oitp.log_info.log_epoch", kind = "integer", size = 4, text = "changes when the log is wiped" },
    { name = "first_seq", filter = "oitp.log_info.first_seq", kind = "integer", size = 4, text = "oldest record held" },
    { name = "last_seq", filter = "oitp.log_info.last_seq", kind = "integer", size = 4, text = "newest record held" },
    { name = "record_size", filter = "oitp.log_info.record_size", kind = "integer", size = 1, unit = "octets", text = "size of a record" },
    { name = "capacity", filter = "oitp.log_info.capacity", kind = "integer", size = 4, text = "records the ring holds" },
  },
  {
    { name = "log_epoch", filter = "oitp.log_read.log_epoch", kind = "integer", size = 4, text = "epoch the page must belong to" },
    { name = "from_seq", filter = "oitp.log_read.from_seq", kind = "integer", size = 4, text = "first sequence number wanted" },
    { name = "max_records", filter = "oitp.log_read.max_records", kind = "integer", size = 1, text = "how many, 1..6", low = 1, high = 6 },
  },
  {
    { name = "log_epoch", filter = "oitp.log_read.log_epoch", kind = "integer", size = 4, text = "epoch" },
    { name = "first_seq", filter = "oitp.log_read.first_seq", kind = "integer", size = 4, text = "sequence number where the data start" },
    { name = "flags", filter = "oitp.log_read.flags", kind = "flags", size = 1, enumeration = "LogPageFlag", text = "more to come, a gap before, a corrupt record" },
    { name = "records", filter = "oitp.log_read.records", kind = "records", size = 1, item = "LogRecord", limit = 6, text = "records" },
  },
  {
    { name = "log_epoch", filter = "oitp.log_digest.log_epoch", kind = "integer", size = 4, text = "epoch the records must belong to" },
    { name = "from_seq", filter = "oitp.log_digest.from_seq", kind = "integer", size = 4, text = "first record", low = 1 },
    { name = "to_seq", filter = "oitp.log_digest.to_seq", kind = "integer", size = 4, text = "last record, not before the first", low = 1 },
  },
  {
    { name = "from_seq", filter = "oitp.log_digest.from_seq", kind = "integer", size = 4, text = "first record" },
    { name = "to_seq", filter = "oitp.log_digest.to_seq", kind = "integer", size = 4, text = "last record" },
    { name = "chain", filter = "oitp.log_digest.chain", kind = "octets", size = 32, text = "hash after the last record" },
  },
  {},
  {
    { name = "alarms", filter = "oitp.get_alarms.alarms", kind = "records", size = 1, item = "Alarm", limit = 11, text = "alarms" },
  },
  {
    { name = "instance", filter = "oitp.alarm_ack.instance", kind = "integer", size = 2, text = "number of the occurrence" },
  },
  {
    { name = "instance", filter = "oitp.alarm_ack.instance", kind = "integer", size = 2, text = "number of the occurrence" },
    { name = "state", filter = "oitp.alarm_ack.state", kind = "word", size = 1, enumeration = "AlarmState", text = "where it stands" },
  },
  {
    { name = "instance", filter = "oitp.alarm_silence.instance", kind = "integer", size = 2, text = "number of the occurrence" },
    { name = "seconds", filter = "oitp.alarm_silence.seconds", kind = "integer", size = 2, unit = "s", text = "how long; a HIGH alarm at most 300 s", low = 1, high = 3600 },
  },
  {
    { name = "instance", filter = "oitp.alarm_silence.instance", kind = "integer", size = 2, text = "number of the occurrence" },
    { name = "state", filter = "oitp.alarm_silence.state", kind = "word", size = 1, enumeration = "AlarmState", text = "where it stands" },
    { name = "until_uptime_s", filter = "oitp.alarm_silence.until_uptime_s", kind = "integer", size = 4, unit = "s", text = "uptime at which it sounds again" },
  },
  {
    { name = "static_pub", filter = "oitp.bond_enrol.static_pub", kind = "octets", size = 32, nonzero = true, text = "X25519 public key of the programmer" },
    { name = "role", filter = "oitp.bond_enrol.role", kind = "word", size = 1, enumeration = "Role", text = "role asked for" },
    { name = "label", filter = "oitp.bond_enrol.label", kind = "text", size = 16, text = "name of the programmer" },
  },
  {
    { name = "slot", filter = "oitp.bond_enrol.slot", kind = "integer", size = 2, text = "number of the bond, 0..7" },
    { name = "pump_static_pub", filter = "oitp.bond_enrol.pump_static_pub", kind = "octets", size = 32, text = "X25519 public key of the pump" },
    { name = "confirm_within_s", filter = "oitp.bond_enrol.confirm_within_s", kind = "integer", size = 2, unit = "s", text = "how long the provisional bond waits for its first session" },
  },
  {},
  {
    { name = "bonds", filter = "oitp.bond_list.bonds", kind = "records", size = 1, item = "BondEntry", limit = 8, text = "bonds" },
  },
  {
    { name = "slot", filter = "oitp.bond_revoke.slot", kind = "integer", size = 2, text = "number of the bond" },
  },
  {
    { name = "slot", filter = "oitp.bond_revoke.slot", kind = "integer", size = 2, text = "number of the bond" },
    { name = "log_seq", filter = "oitp.bond_revoke.log_seq", kind = "integer", size = 4, text = "log record that tells of it" },
  },
  {},
  {
    { name = "hs_fail_total", filter = "oitp.security_status.hs_fail_total", kind = "integer", size = 4, text = "failed handshakes since manufacture" },
    { name = "hs_fail_streak", filter = "oitp.security_status.hs_fail_streak", kind = "integer", size = 2, text = "failed handshakes in a row on this class of link" },
    { name = "lockout_left_s", filter = "oitp.security_status.lockout_left_s", kind = "integer", size = 2, unit = "s", text = "time in which handshakes on this class of link are ignored" },
    { name = "replay_drops", filter = "oitp.security_status.replay_drops", kind = "integer", size = 4, text = "records dropped for a used counter" },
    { name = "auth_drops", filter = "oitp.security_status.auth_drops", kind = "integer", size = 4, text = "records dropped for a wrong tag" },
    { name = "bonding_window_s", filter = "oitp.security_status.bonding_window_s", kind = "integer", size = 2, unit = "s", text = "time left to the newest provisional bond, 0 where none waits" },
  },
  {
    { name = "slot", filter = "oitp.bond_confirm.slot", kind = "integer", size = 2, text = "number of the bond" },
  },
  {
    { name = "slot", filter = "oitp.bond_confirm.slot", kind = "integer", size = 2, text = "number of the bond" },
    { name = "log_seq", filter = "oitp.bond_confirm.log_seq", kind = "integer", size = 4, text = "log record that tells of it" },
  },
  {},
  {
    { name = "token", filter = "oitp.proximity_token.token", kind = "octets", size = 32, nonzero = true, text = "pre-shared key of the handshake" },
    { name = "expires_s", filter = "oitp.proximity_token.expires_s", kind = "integer", size = 2, unit = "s", text = "how long it is good" },
  },
  {},
  {
    { name = "rx_frames", filter = "oitp.link_stats.rx_frames", kind = "integer", size = 4, text = "well-formed frames received" },
    { name = "rx_crc_err", filter = "oitp.link_stats.rx_crc_err", kind = "integer", size = 4, text = "frames with a wrong CRC-32C" },
    { name = "rx_cobs_err", filter = "oitp.link_stats.rx_cobs_err", kind = "integer", size = 4, text = "pieces that are no COBS block" },
    { name = "rx_len_err", filter = "oitp.link_stats.rx_len_err", kind = "integer", size = 4, text = "frames of a wrong size, or whose length octet is wrong" },
    { name = "rx_overrun", filter = "oitp.link_stats.rx_overrun", kind = "integer", size = 4, text = "runs of octets too long for a frame" },
    { name = "tx_frames", filter = "oitp.link_stats.tx_frames", kind = "integer", size = 4, text = "frames sent" },
    { name = "retrans_served", filter = "oitp.link_stats.retrans_served", kind = "integer", size = 4, text = "requests answered again from the cache" },
    { name = "rx_bytes", filter = "oitp.link_stats.rx_bytes", kind = "integer", size = 4, unit = "octets", text = "octets received" },
  },
  {
    { name = "tests", filter = "oitp.self_test.tests", kind = "flags", size = 4, enumeration = "SelfTest", text = "tests wanted" },
  },
  {
    { name = "results", filter = "oitp.self_test.results", kind = "flags", size = 4, enumeration = "SelfTest", text = "tests that were run" },
    { name = "failed", filter = "oitp.self_test.failed", kind = "flags", size = 4, enumeration = "SelfTest", text = "tests among them that failed" },
    { name = "duration_ms", filter = "oitp.self_test.duration_ms", kind = "integer", size = 2, unit = "ms", text = "pump time they took" },
  },
  {
    { name = "withdrawn_nl", filter = "oitp.refill_record.withdrawn_nl", kind = "integer", size = 4, unit = "nL", text = "drawn out, as the syringe shows" },
    { name = "filled_nl", filter = "oitp.refill_record.filled_nl", kind = "integer", size = 4, unit = "nL", text = "filled in, as the syringe shows" },
    { name = "program_version", filter = "oitp.refill_record.program_version", kind = "integer", size = 4, text = "program the person has seen (compare and set)" },
    { name = "lot", filter = "oitp.refill_record.lot", kind = "text", size = 12, text = "lot number of the drug" },
    { name = "intent_id", filter = "oitp.refill_record.intent_id", kind = "octets", size = 16, nonzero = true, text = "intent of the person, random" },
  },
  {
    { name = "reservoir_nl", filter = "oitp.refill_record.reservoir_nl", kind = "integer", size = 4, unit = "nL", text = "computed content from now on" },
    { name = "expected_residual_nl", filter = "oitp.refill_record.expected_residual_nl", kind = "integer", size = 4, unit = "nL", text = "content the pump had computed before" },
    { name = "log_seq", filter = "oitp.refill_record.log_seq", kind = "integer", size = 4, text = "log record that tells of it" },
  },
  {
    { name = "notify_seq", filter = "oitp.status_push.notify_seq", kind = "integer", size = 4, text = "number of the notification in this session" },
    { name = "uptime_s", filter = "oitp.status_push.uptime_s", kind = "integer", size = 4, unit = "s", text = "time since start" },
    { name = "delivery_state", filter = "oitp.status_push.delivery_state", kind = "word", size = 1, enumeration = "DeliveryState", text = "what the pump is doing" },
    { name = "rate_nl_h", filter = "oitp.status_push.rate_nl_h", kind = "integer", size = 4, unit = "nL/h", text = "commanded rate now" },
    { name = "reservoir_nl", filter = "oitp.status_push.reservoir_nl", kind = "integer", size = 4, unit = "nL", text = "computed content of the reservoir" },
    { name = "alarm_max_prio", filter = "oitp.status_push.alarm_max_prio", kind = "word", size = 1, enumeration = "Priority", text = "highest priority among the standing alarms" },
    { name = "log_last_seq", filter = "oitp.status_push.log_last_seq", kind = "integer", size = 4, text = "sequence number of the newest log record" },
  },
  {
    { name = "notify_seq", filter = "oitp.bolus_progress.notify_seq", kind = "integer", size = 4, text = "number of the notification in this session" },
    { name = "bolus_id", filter = "oitp.bolus_progress.bolus_id", kind = "integer", size = 4, text = "number of the bolus" },
    { name = "state", filter = "oitp.bolus_progress.state", kind = "word", size = 1, enumeration = "BolusState", text = "where it stands" },
    { name = "delivered_nl", filter = "oitp.bolus_progress.delivered_nl", kind = "integer", size = 4, unit = "nL", text = "delivered of it" },
    { name = "total_nl", filter = "oitp.bolus_progress.total_nl", kind = "integer", size = 4, unit = "nL", text = "its whole volume" },
  },
  {
    { name = "notify_seq", filter = "oitp.log_appended.notify_seq", kind = "integer", size = 4, text = "number of the notification in this session" },
    { name = "log_last_seq", filter = "oitp.log_appended.log_last_seq", kind = "integer", size = 4, text = "sequence number of the newest log record" },
  },
  {
    { name = "notify_seq", filter = "oitp.alarm_event.notify_seq", kind = "integer", size = 4, text = "number of the notification in this session" },
    { name = "instance", filter = "oitp.alarm_event.instance", kind = "integer", size = 2, text = "number of the occurrence" },
    { name = "code", filter = "oitp.alarm_event.code", kind = "word", size = 2, enumeration = "AlarmCode", text = "condition" },
    { name = "prio", filter = "oitp.alarm_event.prio", kind = "word", size = 1, enumeration = "Priority", text = "priority" },
    { name = "state", filter = "oitp.alarm_event.state", kind = "word", size = 1, enumeration = "AlarmState", text = "where it stands" },
    { name = "onset_uptime_s", filter = "oitp.alarm_event.onset_uptime_s", kind = "integer", size = 4, unit = "s", text = "uptime at onset" },
    { name = "onset_utc_s", filter = "oitp.alarm_event.onset_utc_s", kind = "integer", size = 4, unit = "s", text = "UTC at onset, 0 where not set" },
    { name = "detail", filter = "oitp.alarm_event.detail", kind = "integer", size = 4, text = "what the condition says" },
  },
  {
    { name = "notify_seq", filter = "oitp.session_ending.notify_seq", kind = "integer", size = 4, text = "number of the notification in this session" },
    { name = "reason", filter = "oitp.session_ending.reason", kind = "word", size = 1, enumeration = "CloseReason", text = "why" },
    { name = "seconds", filter = "oitp.session_ending.seconds", kind = "integer", size = 2, unit = "s", text = "time left" },
  },
  {
    { name = "request_opcode", filter = "oitp.error.request_opcode", kind = "integer", size = 2, text = "opcode of the refused request" },
    { name = "code", filter = "oitp.error.code", kind = "word", size = 1, enumeration = "ErrorCode", text = "what is wrong" },
    { name = "field", filter = "oitp.error.field", kind = "integer", size = 1, text = "index of the offending field, 255 where none" },
    { name = "detail", filter = "oitp.error.detail", kind = "integer", size = 4, text = "what the code says: expected value, current version, gap, mask, seconds left" },
  },
}
local MESSAGES = {
  [0x0F] = { name = "SESSION_CONFIRM", class = "request", body = BODIES[1], mflags = 0 },
  [0x411B] = { name = "SESSION_CONFIRM", class = "response", body = BODIES[2], mflags = 1 },
  [0x33] = { name = "KEEPALIVE", class = "request", body = BODIES[3], mflags = 0 },
  [0x4127] = { name = "KEEPALIVE", class = "response", body = BODIES[4], mflags = 1 },
  [0x3C] = { name = "SESSION_CLOSE", class = "request", body = BODIES[5], mflags = 0 },
  [0x4128] = { name = "SESSION_CLOSE", class = "response", body = BODIES[6], mflags = 1 },
  [0x55] = { name = "SUBSCRIBE", class = "request", body = BODIES[7], mflags = 0 },
  [0x4141] = { name = "SUBSCRIBE", class = "response", body = BODIES[8], mflags = 1 },
  [0x5A] = { name = "NOTIFY_ACK", class = "request", body = BODIES[9], mflags = 0 },
  [0x414E] = { name = "NOTIFY_ACK", class = "response", body = BODIES[10], mflags = 1 },
  [0x50A] = { name = "GET_DEVICE_INFO", class = "request", body = BODIES[11], mflags = 0 },
  [0x441E] = { name = "GET_DEVICE_INFO", class = "response", body = BODIES[12], mflags = 1 },
  [0x909] = { name = "GET_STATUS", class = "request", body = BODIES[13], mflags = 0 },
  [0x481D] = { name = "GET_STATUS", class = "response", body = BODIES[14], mflags = 1 },
  [0x935] = { name = "GET_DAY_TOTALS", class = "request", body = BODIES[15], mflags = 0 },
  [0x4821] = { name = "GET_DAY_TOTALS", class = "response", body = BODIES[16], mflags = 1 },
  [0xC0C] = { name = "GET_PROGRAM_INFO", class = "request", body = BODIES[17], mflags = 0 },
  [0x4D18] = { name = "GET_PROGRAM_INFO", class = "response", body = BODIES[18], mflags = 1 },
  [0xC30] = { name = "READ_PROGRAM", class = "request", body = BODIES[19], mflags = 0 },
  [0x4D24] = { name = "READ_PROGRAM", class = "response", body = BODIES[20], mflags = 1 },
  [0x111E] = { name = "PROG_BEGIN", class = "request", body = BODIES[21], mflags = 0 },
  [0x500A] = { name = "PROG_BEGIN", class = "response", body = BODIES[22], mflags = 1 },
  [0x1122] = { name = "PROG_STAGE", class = "request", body = BODIES[23], mflags = 0 },
  [0x5036] = { name = "PROG_STAGE", class = "response", body = BODIES[24], mflags = 1 },
  [0x112D] = { name = "PROG_VERIFY", class = "request", body = BODIES[25], mflags = 0 },
  [0x5039] = { name = "PROG_VERIFY", class = "response", body = BODIES[26], mflags = 1 },
  [0x1144] = { name = "PROG_COMMIT", class = "request", body = BODIES[27], mflags = 0 },
  [0x5050] = { name = "PROG_COMMIT", class = "response", body = BODIES[28], mflags = 1 },
  [0x114B] = { name = "PROG_ABORT", class = "request", body = BODIES[29], mflags = 0 },
  [0x505F] = { name = "PROG_ABORT", class = "response", body = BODIES[30], mflags = 1 },
  [0x1177] = { name = "GET_RECEIPT", class = "request", body = BODIES[31], mflags = 0 },
  [0x5063] = { name = "GET_RECEIPT", class = "response", body = BODIES[32], mflags = 1 },
  [0x141B] = { name = "BOLUS_ARM", class = "request", body = BODIES[33], mflags = 0 },
  [0x550F] = { name = "BOLUS_ARM", class = "response", body = BODIES[34], mflags = 1 },
  [0x1427] = { name = "BOLUS_START", class = "request", body = BODIES[35], mflags = 0 },
  [0x5533] = { name = "BOLUS_START", class = "response", body = BODIES[36], mflags = 1 },
  [0x1428] = { name = "BOLUS_CANCEL", class = "request", body = BODIES[37], mflags = 0 },
  [0x553C] = { name = "BOLUS_CANCEL", class = "response", body = BODIES[38], mflags = 1 },
  [0x1441] = { name = "PATIENT_BOLUS", class = "request", body = BODIES[39], mflags = 0 },
  [0x5555] = { name = "PATIENT_BOLUS", class = "response", body = BODIES[40], mflags = 1 },
  [0x144E] = { name = "SET_DELIVERY", class = "request", body = BODIES[41], mflags = 0 },
  [0x555A] = { name = "SET_DELIVERY", class = "response", body = BODIES[42], mflags = 1 },
  [0x1818] = { name = "GET_CLOCK", class = "request", body = BODIES[43], mflags = 0 },
  [0x590C] = { name = "GET_CLOCK", class = "response", body = BODIES[44], mflags = 1 },
  [0x1824] = { name = "SET_CLOCK", class = "request", body = BODIES[45], mflags = 0 },
  [0x5930] = { name = "SET_CLOCK", class = "response", body = BODIES[46], mflags = 1 },
  [0x1D1D] = { name = "LOG_INFO", class = "request", body = BODIES[47], mflags = 0 },
  [0x5C09] = { name = "LOG_INFO", class = "response", body = BODIES[48], mflags = 1 },
  [0x1D21] = { name = "LOG_READ", class = "request", body = BODIES[49], mflags = 0 },
  [0x5C35] = { name = "LOG_READ", class = "response", body = BODIES[50], mflags = 1 },
  [0x1D2E] = { name = "LOG_DIGEST", class = "request", body = BODIES[51], mflags = 0 },
  [0x5C3A] = { name = "LOG_DIGEST", class = "response", body = BODIES[52], mflags = 1 },
  [0x211D] = { name = "GET_ALARMS", class = "request", body = BODIES[53], mflags = 0 },
  [0x6009] = { name = "GET_ALARMS", class = "response", body = BODIES[54], mflags = 1 },
  [0x2121] = { name = "ALARM_ACK", class = "request", body = BODIES[55], mflags = 0 },
  [0x6035] = { name = "ALARM_ACK", class = "response", body = BODIES[56], mflags = 1 },
  [0x212E] = { name = "ALARM_SILENCE", class = "request", body = BODIES[57], mflags = 0 },
  [0x603A] = { name = "ALARM_SILENCE", class = "response", body = BODIES[58], mflags = 1 },
  [0x2418] = { name = "BOND_ENROL", class = "request", body = BODIES[59], mflags = 0 },
  [0x650C] = { name = "BOND_ENROL", class = "response", body = BODIES[60], mflags = 1 },
  [0x2424] = { name = "BOND_LIST", class = "request", body = BODIES[61], mflags = 0 },
  [0x6530] = { name = "BOND_LIST", class = "response", body = BODIES[62], mflags = 1 },
  [0x242B] = { name = "BOND_REVOKE", class = "request", body = BODIES[63], mflags = 0 },
  [0x653F] = { name = "BOND_REVOKE", class = "response", body = BODIES[64], mflags = 1 },
  [0x2442] = { name = "SECURITY_STATUS", class = "request", body = BODIES[65], mflags = 0 },
  [0x6556] = { name = "SECURITY_STATUS", class = "response", body = BODIES[66], mflags = 1 },
  [0x244D] = { name = "BOND_CONFIRM", class = "request", body = BODIES[67], mflags = 0 },
  [0x6559] = { name = "BOND_CONFIRM", class = "response", body = BODIES[68], mflags = 1 },
  [0x2471] = { name = "PROXIMITY_TOKEN", class = "request", body = BODIES[69], mflags = 0 },
  [0x6565] = { name = "PROXIMITY_TOKEN", class = "response", body = BODIES[70], mflags = 1 },
  [0x281B] = { name = "LINK_STATS", class = "request", body = BODIES[71], mflags = 0 },
  [0x690F] = { name = "LINK_STATS", class = "response", body = BODIES[72], mflags = 1 },
  [0x2827] = { name = "SELF_TEST", class = "request", body = BODIES[73], mflags = 0 },
  [0x6933] = { name = "SELF_TEST", class = "response", body = BODIES[74], mflags = 1 },
  [0x2D1E] = { name = "REFILL_RECORD", class = "request", body = BODIES[75], mflags = 0 },
  [0x6C0A] = { name = "REFILL_RECORD", class = "response", body = BODIES[76], mflags = 1 },
  [0x881E] = { name = "STATUS_PUSH", class = "notification", body = BODIES[77], mflags = 0 },
  [0x950C] = { name = "BOLUS_PROGRESS", class = "notification", body = BODIES[78], mflags = 0 },
  [0x9C0A] = { name = "LOG_APPENDED", class = "notification", body = BODIES[79], mflags = 0 },
  [0xA00A] = { name = "ALARM_EVENT", class = "notification", body = BODIES[80], mflags = 0 },
  [0x8118] = { name = "SESSION_ENDING", class = "notification", body = BODIES[81], mflags = 0 },
  [0xC00C] = { name = "ERROR", class = "error", body = BODIES[82], mflags = 1 },
}
local LINK_MESSAGES = {
  [0x0F] = {
    name = "HELLO",
    fields = {
      { name = "ver_min", filter = "oitp.link.hello.ver_min", size = 1, kind = "integer", low = 1, high = 255 },
      { name = "ver_max", filter = "oitp.link.hello.ver_max", size = 1, kind = "integer", low = 1, high = 255 },
      { name = "suites", filter = "oitp.link.hello.suites", size = 1, kind = "flags", enumeration = "SuiteBit", open = true },
      { name = "nonce", filter = "oitp.link.hello.nonce", size = 8, kind = "octets" },
    },
  },
  [0x33] = {
    name = "HELLO_RSP",
    fields = {
      { name = "ver", filter = "oitp.link.hello_rsp.ver", size = 1, kind = "integer", low = 1, high = 255 },
      { name = "link_id", filter = "oitp.link.hello_rsp.link_id", size = 2, kind = "integer", low = 0, high = 65534 },
      { name = "link_class", filter = "oitp.link.hello_rsp.link_class", size = 1, kind = "word", enumeration = "LinkClass", open = false },
      { name = "suites", filter = "oitp.link.hello_rsp.suites", size = 1, kind = "flags", enumeration = "SuiteBit", open = true },
      { name = "echo", filter = "oitp.link.hello_rsp.echo", size = 8, kind = "octets" },
      { name = "pump_nonce", filter = "oitp.link.hello_rsp.pump_nonce", size = 8, kind = "octets" },
      { name = "key_hint", filter = "oitp.link.hello_rsp.key_hint", size = 4, kind = "octets" },
      { name = "lockout_s", filter = "oitp.link.hello_rsp.lockout_s", size = 2, kind = "integer", low = 0, high = 65535 },
      { name = "max_frame", filter = "oitp.link.hello_rsp.max_frame", size = 1, kind = "integer", low = 79, high = 253 },
    },
  },
  [0x3C] = { name = "PING", fields = {}, echo = 32 },
  [0x55] = { name = "PONG", fields = {}, echo = 32 },
  [0x5A] = {
    name = "CLOSE",
    fields = {
      { name = "reason", filter = "oitp.link.close.reason", size = 1, kind = "word", enumeration = "CloseReason", open = false },
    },
  },
  [0x66] = {
    name = "LINK_ERROR",
    fields = {
      { name = "code", filter = "oitp.link.link_error.code", size = 1, kind = "word", enumeration = "LinkErrorCode", open = false },
      { name = "detail", filter = "oitp.link.link_error.detail", size = 2, kind = "integer", low = 0, high = 65535 },
    },
  },
}
local LINK_WAYS = { [0] = { HELLO = true, PING = true, CLOSE = true }, [1] = { HELLO_RSP = true, LINK_ERROR = true } }
local HANDSHAKE_HEADER = {
  { name = "suite", filter = "oitp.handshake.suite", size = 1, kind = "word", enumeration = "Suite", open = false },
  { name = "step", filter = "oitp.handshake.step", size = 1, kind = "word", enumeration = "HandshakeStep", open = false },
  { name = "slot", filter = "oitp.handshake.slot", size = 2, kind = "integer", low = 0, high = 65535 },
}
local HANDSHAKE_STEPS = { [0] = "FIRST", [1] = "SECOND" }
local HANDSHAKE_SIZES = { [0] = 52, [1] = 68 }

-- --- arithmetic ---------------------------------------------------------------------------------------------

-- bit32 gives numbers from 0 to 2^32-1, the older `bit` signed ones; `unsigned` makes them alike.
local bits = bit32 or bit

local function unsigned(number)
  return number % 4294967296
end

local CRC_TABLE = {}
for octet = 0, 255 do
  local remainder = octet
  for _ = 1, 8 do
    local odd = remainder % 2 == 1
    remainder = (remainder - remainder % 2) / 2
    if odd then
      remainder = unsigned(bits.bxor(remainder, 0x82F63B78))
    end
  end
  CRC_TABLE[octet] = remainder
end

-- CRC-32C (Castagnoli, reflected, init and final XOR 0xFFFFFFFF) of a string of octets.
local function crc32c(octets)
  local remainder = 0xFFFFFFFF
  for at = 1, #octets do
    local low = unsigned(bits.bxor(remainder, octets:byte(at))) % 256
    remainder = unsigned(bits.bxor(bits.rshift(remainder, 8), CRC_TABLE[low]))
  end
  return unsigned(bits.bxor(remainder, 0xFFFFFFFF))
end

-- word -> its number, for every word of the distance-4 code that opcodes are taken from.
local CODEWORDS = {}
for index = 1, 2 ^ #GENERATOR_ROWS - 1 do
  local word, left = 0, index
  for row = 1, #GENERATOR_ROWS do
    if left % 2 == 1 then
      word = unsigned(bits.bxor(word, GENERATOR_ROWS[row]))
    end
    left = (left - left % 2) / 2
  end
  CODEWORDS[word] = index
end

local function little_endian(octets, at, size)
  local value = 0
  for offset = size, 1, -1 do
    value = value * 256 + octets:byte(at + offset)
  end
  return value
end

local function all_zero(octets)
  return not octets:find("[^\0]")
end

-- --- text -----------------------------------------------------------------------------------------------------

-- Returns the character at `at` and the place of the next, or nil where the octets are no UTF-8 there.
local function character(octets, at)
  local first = octets:byte(at)
  local size, low = 1, 0
  if first < 0x80 then
    return first, at + 1
  elseif first >= 0xC2 and first < 0xE0 then
    size, low = 2, 0x80
  elseif first >= 0xE0 and first < 0xF0 then
    size, low = 3, 0x800
  elseif first >= 0xF0 and first < 0xF5 then
    size, low = 4, 0x10000
  else
    return nil
  end
  local code = first % 2 ^ (7 - size)
  for offset = 1, size - 1 do
    local octet = octets:byte(at + offset)
    if not octet or octet < 0x80 or octet >= 0xC0 then
      return nil
    end
    code = code * 64 + octet % 64
  end
  if code < low or code > 0x10FFFF or (code >= 0xD800 and code < 0xE000) then
    return nil
  end
  return code, at + size
end

-- Returns the text of a padded field, or nil and what is wrong with it.
local function read_text(padded)
  local text = padded:gsub("\0+$", "")
  if text:find("\0", 1, true) then
    return nil, "text continues after its padding"
  end
  local at, unprintable = 1, false
  while at <= #text do
    local code, after = character(text, at)
    if not code then
      return nil, "text is not UTF-8"
    end
    for _, range in ipairs(UNPRINTABLE) do
      unprintable = unprintable or (code >= range[1] and code <= range[2])
    end
    at = after
  end
  if unprintable then
    return nil, "text holds a character that cannot be seen"
  end
  return text
end

-- --- what is shown --------------------------------------------------------------------------------------------

local oitp = Proto("oitp", "Open Intrathecal Telemetry Protocol")
local app = Proto("oitp.app", "OITP message")

local field_list, fields = {}, {}

-- Each abbreviation is one field, however many messages have it.
local function define(abbreviation, make)
  if not fields[abbreviation] then
    fields[abbreviation] = make(abbreviation)
    field_list[#field_list + 1] = fields[abbreviation]
  end
  return fields[abbreviation]
end

local UNSIGNED = { ProtoField.uint8, ProtoField.uint16, nil, ProtoField.uint32, [8] = ProtoField.uint64 }
local SIGNED = { ProtoField.int8, ProtoField.int16, nil, ProtoField.int32, [8] = ProtoField.int64 }

local function number_field(kinds, field)
  return define(field.filter, function(filter)
    local style, units = base.DEC, nil
    if field.unit then
      style, units = base.UNIT_STRING, { " " .. field.unit }
    end
    return kinds[field.size](filter, field.name, style, units, 0, field.text)
  end)
end

local function octets_field(field)
  return define(field.filter, function(filter)
    return ProtoField.bytes(filter, field.name, base.NONE, field.text)
  end)
end

local function flags_field(field)
  for _, flag in ipairs(field.flags) do
    define(field.filter .. "." .. flag[2]:lower(), function(filter)
      return ProtoField.bool(filter, flag[2], 8 * field.size, nil, flag[1])
    end)
  end
  return define(field.filter, function(filter)
    return UNSIGNED[field.size](filter, field.name, base.HEX, nil, 0, field.text)
  end)
end

local function size_field(field, filter)
  return define(filter, function()
    return ProtoField.uint8(filter, field.name, base.DEC, nil, 0, field.text)
  end)
end

local PREPARE = {
  integer = function(field)
    field.show = number_field(field.signed and SIGNED or UNSIGNED, field)
  end,
  word = function(field)
    field.words = WORDS[field.enumeration]
    field.show = define(field.filter, function(filter)
      return UNSIGNED[field.size](filter, field.name, base.HEX, field.words, 0, field.text)
    end)
  end,
  flags = function(field)
    field.flags, field.known = FLAGS[field.enumeration], 0
    for _, flag in ipairs(field.flags) do
      field.known = field.known + flag[1]
    end
    field.show = flags_field(field)
  end,
  octets = function(field)
    field.show = octets_field(field)
  end,
  reserved = function(field)
    field.show = octets_field(field)
  end,
  text = function(field)
    field.show = define(field.filter, function(filter)
      return ProtoField.string(filter, field.name, base.UNICODE, field.text)
    end)
  end,
  block = function(field)
    field.show = octets_field(field)
    field.show_size = size_field(field, field.filter .. "_len")
  end,
  records = function(field)
    field.show_size = size_field(field, field.filter)
    field.show = define(RECORDS[field.item].filter, function(filter)
      return ProtoField.none(filter, field.item)
    end)
  end,
}

-- Makes the fields of a list ready to be shown; computes how many octets are fixed, and what one item takes.
local function prepare(list)
  list.fixed = 0
  for _, field in ipairs(list) do
    PREPARE[field.kind](field)
    if field.kind == "block" then
      list.each = 1
    elseif field.kind == "records" then
      list.each = RECORDS[field.item].fixed
    else
      list.fixed = list.fixed + field.size
    end
  end
end

local function text_field(filter, name, text)
  return define(filter, function()
    return ProtoField.string(filter, name, base.ASCII, text)
  end)
end

local experts, expert_list = {}, {}
local function expect(key, filter, text, group, severity)
  experts[key] = ProtoExpert.new(filter, text, group, severity)
  expert_list[#expert_list + 1] = experts[key]
end

for _, reason in ipairs(DROPS) do
  local group = reason[1] == "crc" and expert.group.CHECKSUM or expert.group.MALFORMED
  expect(reason[1], "oitp.drop." .. reason[1], reason[2], group, expert.severity.ERROR)
end
for _, code in ipairs(ERRORS) do
  expect(code[1], "oitp.fault." .. code[1], code[2], expert.group.PROTOCOL, expert.severity.ERROR)
end
expect("log_crc", "oitp.log_record.BAD_CRC", "The CRC-32C does not match the log record.",
  expert.group.CHECKSUM, expert.severity.WARN)
expect("log_payload", "oitp.log_record.BAD_PAYLOAD", "The payload does not fit the type of the log record.",
  expert.group.PROTOCOL, expert.severity.WARN)

-- The first fault is the verdict; the others are shown and change it no more. Below the messages no field has
-- an error code of its own: `as` is the one key that whatever is wrong with a field is booked under.
local function new_judge(as)
  return { as = as }
end

local NO_FIELD = 255

local function fault(judge, item, key, text, index)
  if text then
    item:add_proto_expert_info(experts[key], text)
  else
    item:add_proto_expert_info(experts[key])
  end
  if not judge.key then
    judge.key, judge.index = key, index or NO_FIELD
  end
end

local function field_fault(judge, item, code, index, text)
  fault(judge, item, judge.as or code, text, index)
end

-- --- fields of a body -----------------------------------------------------------------------------------------

local CHECK = {}
function CHECK.integer(field, range, tree, judge, index)
  local item = tree:add_le(field.show, range)
  local value
  if field.size == 8 then
    value = (field.signed and range:le_int64() or range:le_uint64()):tonumber()
  else
    value = field.signed and range:le_int() or range:le_uint()
  end
  if (field.low and value < field.low) or (field.high and value > field.high) then
    local bounds = (field.low or "") .. ".." .. (field.high or "")
    field_fault(judge, item, "OUT_OF_RANGE", index, field.name .. " is outside " .. bounds)
  end
end

function CHECK.word(field, range, tree, judge, index)
  local item = tree:add_le(field.show, range)
  if not field.words[range:le_uint()] then
    field_fault(judge, item, "BAD_ENUM", index, field.name .. " is no " .. field.enumeration)
  end
end

function CHECK.flags(field, range, tree, judge, index)
  local item, value = tree:add_le(field.show, range), range:le_uint()
  for _, flag in ipairs(field.flags) do
    item:add_le(fields[field.filter .. "." .. flag[2]:lower()], range)
  end
  local unknown = unsigned(bits.band(value, unsigned(bits.bnot(field.known))))
  if unknown ~= 0 and not field.open then
    field_fault(judge, item, "RESERVED_NONZERO", index, string.format("%s has unknown bits 0x%X set", field.name, unknown))
  end
end

function CHECK.octets(field, range, tree, judge, index)
  local item = tree:add(field.show, range)
  if field.nonzero and all_zero(range:raw()) then
    field_fault(judge, item, "OUT_OF_RANGE", index, field.name .. " must not be all zeros")
  end
end

function CHECK.reserved(field, range, tree, judge, index)
  local item = tree:add(field.show, range)
  if not all_zero(range:raw()) then
    field_fault(judge, item, "RESERVED_NONZERO", index, field.name .. " is reserved and must be zero")
  end
end

function CHECK.text(field, range, tree, judge, index)
  local text, wrong = read_text(range:raw())
  local item = text and tree:add(field.show, range, text) or tree:add(field.show, range)
  if wrong then
    field_fault(judge, item, "BAD_TEXT", index, field.name .. ": " .. wrong)
  end
end

local show_fields

function CHECK.block(field, range, tree, judge, index, tvb)
  local count, at = range:le_uint(), range:offset() + 1
  local item = tree:add_le(field.show_size, range)
  if count > field.limit then
    field_fault(judge, item, "TOO_LARGE", index, field.name .. " has " .. count .. " octets, at most " .. field.limit)
  end
  local there = math.min(count, tvb:len() - at)
  if there > 0 then
    tree:add(field.show, tvb(at, there))
  end
  return there
end

local AFTER = {}

function CHECK.records(field, range, tree, judge, index, tvb)
  local count, at = range:le_uint(), range:offset() + 1
  local record = RECORDS[field.item]
  local item = tree:add_le(field.show_size, range)
  if count > field.limit then
    field_fault(judge, item, "TOO_LARGE", index, field.name .. " has " .. count .. ", at most " .. field.limit)
  end
  local there = math.min(count, math.floor((tvb:len() - at) / record.fixed))
  for number = 1, there do
    local start = at + (number - 1) * record.fixed
    local branch = tree:add(field.show, tvb(start, record.fixed))
    branch:set_text(string.format("%s[%d]: %s", field.name, number - 1, field.item))
    show_fields(record, tvb, start, branch, judge, index)
    if AFTER[field.item] then
      AFTER[field.item](tvb, start, branch)
    end
  end
  return there * record.fixed
end

-- Shows the fields of `list` from `at` on, as far as the octets reach; returns where they end. Every fault is
-- booked under the field's own index, or under `index` where the list is an item of another.
show_fields = function(list, tvb, at, tree, judge, index)
  for number, field in ipairs(list) do
    if at + field.size > tvb:len() then
      return at
    end
    local more = CHECK[field.kind](field, tvb(at, field.size), tree, judge, index or number - 1, tvb)
    at = at + field.size + (more or 0)
  end
  return at
end

-- --- messages ---------------------------------------------------------------------------------------------

for _, name in ipairs(RECORD_ORDER) do
  prepare(RECORDS[name])
end
for _, body in pairs(BODIES) do
  prepare(body)
end
for _, payload in pairs(LOG_PAYLOADS) do
  prepare(payload)
end

local opcode_names = {}
for opcode, message in pairs(MESSAGES) do
  opcode_names[opcode] = message.name .. " " .. message.class
end

local show = {
  opcode = ProtoField.uint16("oitp.opcode", "opcode", base.HEX, opcode_names, 0, HEADER_TEXTS.opcode),
  txn = ProtoField.uint16("oitp.txn", "txn", base.DEC, nil, 0, HEADER_TEXTS.txn),
  rev = ProtoField.uint8("oitp.rev", "rev", base.DEC, nil, 0, HEADER_TEXTS.rev),
  mflags = ProtoField.uint8("oitp.mflags", "mflags", base.HEX, nil, 0, HEADER_TEXTS.mflags),
  body_len = ProtoField.uint16("oitp.body_len", "body_len", base.DEC, nil, 0, HEADER_TEXTS.body_len),
  cached = ProtoField.bool("oitp.mflags.cached", "CACHED", 8, nil, CACHED),
  trailing = ProtoField.bytes("oitp.trailing", "trailing octets"),
  request_in = ProtoField.framenum("oitp.request_in", "answers the request in frame", base.NONE, frametype.REQUEST),
  response_time = ProtoField.relative_time("oitp.response_time", "time since the request"),
}
for _, field in pairs(show) do
  field_list[#field_list + 1] = field
end
show.message = text_field("oitp.message", "message", "name of the message")
show.class = text_field("oitp.class", "class", "request, response, notification or error")
show.verdict = text_field("oitp.verdict", "verdict", "first of the faults, by the name of its error code")
show.verdict_field = define("oitp.verdict_field", function(filter)
  return ProtoField.uint8(filter, "field of the verdict", base.DEC, nil, 0, "index of the field, 255 where none")
end)
show.drop = text_field("oitp.drop", "dropped", "first acceptance step that fails, by the name of its counter")

-- CRC of a log record, and its payload by the type of the event.
AFTER.LogRecord = function(tvb, at, tree)
  local record = RECORDS.LogRecord
  local octets = tvb:raw(at, record.fixed)
  if crc32c(octets:sub(1, -5)) ~= little_endian(octets, record.fixed - 4, 4) then
    tree:add_proto_expert_info(experts.log_crc)
  end
  local event = little_endian(octets, LOG_TYPE_AT, 2)
  local payload = LOG_PAYLOADS[event]
  tree:append_text(" " .. (WORDS.EventType[event] or "of an unknown type"))
  if not payload then
    return
  end
  -- A buffer of the payload alone, so that a layout cannot reach beyond it.
  local inside = tvb(at + LOG_PAYLOAD_AT, LOG_PAYLOAD_SIZE):tvb()
  local branch = tree:add(inside(), "payload of " .. WORDS.EventType[event])
  local after = show_fields(payload, inside, 0, branch, new_judge("log_payload"))
  if after < inside:len() and not all_zero(inside:raw(after)) then
    branch:add_proto_expert_info(experts.log_payload, "octets after the payload are not zero")
  end
end

-- Octets that a body with these first octets must have.
local function needed(body, tvb, at)
  if not body.each then
    return body.fixed
  end
  local count = tvb:len() > at + body.fixed and tvb(at + body.fixed, 1):uint() or 0
  return body.fixed + 1 + count * body.each
end

-- The checks in the order of OITP/1 section 15: opcode, revision, length, then the fields.
local function check_header(tvb, tree, judge, message)
  local opcode, rev, mflags = tvb(0, 2):le_uint(), tvb(4, 1):uint(), tvb(5, 1):uint()
  local body_len, there = tvb(6, 2):le_uint(), tvb:len() - HEADER_SIZE
  local opcode_item = tree:add_le(show.opcode, tvb(0, 2))
  if not CODEWORDS[opcode] then
    fault(judge, opcode_item, "OPCODE_NOT_A_CODEWORD")
  elseif not message then
    fault(judge, opcode_item, "UNKNOWN_OPCODE")
  end
  tree:add_le(show.txn, tvb(2, 2))
  local rev_item = tree:add(show.rev, tvb(4, 1))
  if rev ~= REVISION then
    fault(judge, rev_item, "UNSUPPORTED_REV", "body revision " .. rev .. ", known is " .. REVISION)
  end
  local mflags_item = tree:add(show.mflags, tvb(5, 1))
  mflags_item:add(show.cached, tvb(5, 1))
  local length_item = tree:add_le(show.body_len, tvb(6, 2))
  if body_len ~= there then
    fault(judge, length_item, "BAD_LENGTH", "header says " .. body_len .. " octets, " .. there .. " follow")
  end
  if message then
    local wanted = needed(message.body, tvb, HEADER_SIZE)
    if wanted ~= there then
      fault(judge, length_item, "BAD_LENGTH", "body has " .. there .. " octets, needs " .. wanted)
    end
    if bits.band(mflags, 255 - message.mflags) ~= 0 then
      fault(judge, mflags_item, "RESERVED_NONZERO")
    end
  end
end

-- Requests by their txn, and for each answer the frame of its request; filled while the file is read first.
local requests, answers = {}, {}

function app.init()
  requests, answers = {}, {}
end

local function pair_up(pinfo, tree, message, txn)
  if message.class == "request" then
    requests[txn] = pinfo.visited and requests[txn] or { pinfo.number, pinfo.abs_ts }
  elseif message.class ~= "notification" then
    if not pinfo.visited then
      answers[pinfo.number] = requests[txn]
    end
    local request = answers[pinfo.number]
    if request then
      tree:add(show.request_in, request[1]):set_generated()
      local delta = pinfo.abs_ts - request[2]
      local seconds = math.floor(delta)
      tree:add(show.response_time, NSTime.new(seconds, math.floor((delta - seconds) * 1e9 + 0.5))):set_generated()
    end
  end
end

local SENDERS = { [TO_PUMP] = "programmer", [1 - TO_PUMP] = "pump" }

function app.dissector(tvb, pinfo, root)
  local tree = root:add(app, tvb())
  pinfo.cols.protocol = "OITP"
  if tvb:len() < HEADER_SIZE then
    tree:add_proto_expert_info(experts.header, "an application header has " .. HEADER_SIZE .. " octets")
    tree:add(show.drop, "header"):set_generated()
    pinfo.cols.info = "too short for a message"
    return tvb:len()
  end
  local message, judge, txn = MESSAGES[tvb(0, 2):le_uint()], new_judge(), tvb(2, 2):le_uint()
  check_header(tvb, tree, judge, message)
  local after = HEADER_SIZE
  if message then
    local way = message.class == "request" and TO_PUMP or 1 - TO_PUMP
    pinfo.cols.src, pinfo.cols.dst = SENDERS[way], SENDERS[1 - way]
    after = show_fields(message.body, tvb, HEADER_SIZE, tree, judge)
    tree:add(show.message, message.name):set_generated()
    tree:add(show.class, message.class):set_generated()
    pair_up(pinfo, tree, message, txn)
  end
  if after < tvb:len() then
    tree:add(show.trailing, tvb(after))
  end
  local title = message and opcode_names[tvb(0, 2):le_uint()] or string.format("opcode 0x%04X", tvb(0, 2):le_uint())
  title = title .. ", txn " .. txn
  if judge.key then
    tree:add(show.verdict, judge.key):set_generated()
    tree:add(show.verdict_field, judge.index):set_generated()
    title = title .. " [" .. judge.key .. "]"
  end
  tree:append_text(": " .. title)
  pinfo.cols.info = title
  return tvb:len()
end

-- --- link frames --------------------------------------------------------------------------------------------

for _, message in pairs(LINK_MESSAGES) do
  prepare(message.fields)
end
prepare(HANDSHAKE_HEADER)

local frame_show = {
  proto = ProtoField.uint8("oitp.proto", "proto", base.HEX, nil, 0, FRAME_TEXTS.proto),
  kind = ProtoField.uint8("oitp.kind", "kind", base.HEX, WORDS.FrameKind, 0, FRAME_TEXTS.kind),
  flags = ProtoField.uint8("oitp.flags", "flags", base.HEX, nil, 0, FRAME_TEXTS.flags),
  direction = ProtoField.uint8("oitp.direction", "direction", base.DEC, WORDS.Direction, 1),
  seq = ProtoField.uint8("oitp.seq", "seq", base.DEC, nil, 0, FRAME_TEXTS.seq),
  link_id = ProtoField.uint16("oitp.link_id", "link_id", base.HEX, nil, 0, FRAME_TEXTS.link_id),
  len = ProtoField.uint8("oitp.len", "len", base.DEC, nil, 0, FRAME_TEXTS.len),
  payload = ProtoField.bytes("oitp.payload", "payload"),
  crc32c = ProtoField.uint32("oitp.crc32c", "crc32c", base.HEX, nil, 0, FRAME_TEXTS.crc32c),
  crc_good = ProtoField.bool("oitp.crc_good", "CRC-32C is right"),
  raw = ProtoField.bytes("oitp.raw", "octets that are no frame"),
  op = ProtoField.uint8("oitp.link.op", "op", base.HEX, WORDS.LinkOp, 0, "which link control message"),
  echo = ProtoField.bytes("oitp.link.data", "data", base.NONE, "octets to be echoed"),
  ephemeral = ProtoField.bytes("oitp.handshake.ephemeral", "ephemeral", base.NONE, "public key"),
  grant = ProtoField.bytes("oitp.handshake.ciphertext", "ciphertext", base.NONE, "the grant, sealed"),
  handshake_tag = ProtoField.bytes("oitp.handshake.tag", "tag"),
  counter = ProtoField.uint32("oitp.counter", "counter", base.DEC, nil, 0, RECORD_TEXTS.counter),
  ciphertext = ProtoField.bytes("oitp.ciphertext", "ciphertext", base.NONE, RECORD_TEXTS.ciphertext),
  tag = ProtoField.bytes("oitp.tag", "tag", base.NONE, RECORD_TEXTS.tag),
}
for _, field in pairs(frame_show) do
  field_list[#field_list + 1] = field
end
frame_show.told = text_field("oitp.drop_told", "dropped, says the capture", "why, by the name of the counter")

local function add_octets(tree, field, tvb, at, size)
  if size > 0 then
    tree:add(field, tvb(at, size))
  end
end

-- --- what is in them ------------------------------------------------------------------------------------------

local PAYLOAD = {}

local function check_link_message(tvb, tree, judge)
  if tvb:len() == 0 then
    fault(judge, tree, "link_message", "an empty link control message")
    return nil
  end
  local message, item = LINK_MESSAGES[tvb(0, 1):uint()], tree:add(frame_show.op, tvb(0, 1))
  local size = tvb:len() - 1
  if not message then
    fault(judge, item, "link_message", "the op is unknown")
    add_octets(tree, show.trailing, tvb, 1, size)
  elseif message.echo then
    if size > message.echo then
      fault(judge, item, "link_message", "echo size " .. size .. " is outside 0.." .. message.echo)
    end
    add_octets(tree, frame_show.echo, tvb, 1, size)
  else
    local wanted = message.fields.fixed
    if size ~= wanted then
      fault(judge, item, "link_message", "the body has " .. size .. " octets; it must have " .. wanted)
    end
    judge.as = "link_message"
    local after = show_fields(message.fields, tvb, 1, tree, judge)
    add_octets(tree, show.trailing, tvb, after, tvb:len() - after)
    if message.name == "HELLO" and size >= 2 and tvb(2, 1):uint() < tvb(1, 1):uint() then
      fault(judge, item, "link_message", "ver_max is below ver_min")
    end
  end
  return message
end

-- What no receiver accepts whatever its state: a message that does not go this way, or of another version.
local function check_link_state(tvb, tree, judge, way, link_id, message)
  local no_link = link_id == NO_LINK_ID
  if way == TO_PUMP and message.name == "HELLO" and not no_link then
    fault(judge, tree, "link_id", string.format("HELLO has link id 0x%04X", NO_LINK_ID))
  elseif way == TO_PUMP and message.name == "CLOSE" and no_link then
    fault(judge, tree, "link_id", "CLOSE names its link")
  end
  if not LINK_WAYS[way][message.name] then
    fault(judge, tree, "state", message.name .. " does not go this way")
  elseif message.name == "HELLO" and (tvb(1, 1):uint() > VERSION or tvb(2, 1):uint() < VERSION) then
    fault(judge, tree, "state", "the range is without version " .. VERSION)
  elseif message.name == "HELLO_RSP" and tvb(1, 1):uint() ~= VERSION then
    fault(judge, tree, "state", "the version must be " .. VERSION)
  end
end

function PAYLOAD.LINK(tvb, tree, judge, way, link_id)
  local message = check_link_message(tvb, tree, judge)
  if not judge.key then
    check_link_state(tvb, tree, judge, way, link_id, message)
  end
  return message and message.name or "link control message"
end

local function check_link_id(tree, judge, link_id)
  if link_id == NO_LINK_ID then
    fault(judge, tree, "link_id", "the link id is that from HELLO_RSP")
  end
end

function PAYLOAD.HANDSHAKE(tvb, tree, judge, way, link_id)
  check_link_id(tree, judge, link_id)
  local size = tvb:len()
  if size < HANDSHAKE_HEADER.fixed then
    fault(judge, tree, "handshake", size .. " octets; a handshake header has " .. HANDSHAKE_HEADER.fixed)
    add_octets(tree, show.trailing, tvb, 0, size)
    return "handshake"
  end
  judge.as = "handshake"
  local at = show_fields(HANDSHAKE_HEADER, tvb, 0, tree, judge)
  local suite, step = WORDS.Suite[tvb(0, 1):uint()], WORDS.HandshakeStep[tvb(1, 1):uint()]
  if suite == "NNPSK0" and tvb(2, 2):le_uint() ~= 0 then
    fault(judge, tree, "handshake", "an enrolment has no slot")
  end
  if step and step ~= HANDSHAKE_STEPS[way] then
    fault(judge, tree, "handshake", "the " .. step:lower() .. " message does not go this way")
  end
  if size ~= HANDSHAKE_SIZES[way] then
    fault(judge, tree, "handshake", size .. " octets; this message must have " .. HANDSHAKE_SIZES[way])
  end
  local key = math.min(KEY_SIZE, size - at)
  add_octets(tree, frame_show.ephemeral, tvb, at, key)
  local sealed = size - at - key
  local tag = math.min(TAG_SIZE, sealed)
  add_octets(tree, frame_show.grant, tvb, at + key, sealed - tag)
  add_octets(tree, frame_show.handshake_tag, tvb, size - tag, tag)
  return "handshake " .. (suite or "of an unknown suite") .. ", " .. (step and step:lower() or "unknown") .. " message"
end

-- Shows the counter of a record; returns false where the record is too short for it.
local function show_counter(tvb, tree, judge, least)
  if tvb:len() < least then
    fault(judge, tree, "record_short", tvb:len() .. " octets, at least " .. least .. " are needed")
    add_octets(tree, show.trailing, tvb, 0, tvb:len())
    return false
  end
  local item, counter = tree:add_le(frame_show.counter, tvb(0, COUNTER_SIZE)), tvb(0, COUNTER_SIZE):le_uint()
  if counter >= MAX_RECORDS then
    fault(judge, item, "exhausted", "counter " .. counter .. ", must be below " .. MAX_RECORDS)
  end
  return true
end

function PAYLOAD.SECURE(tvb, tree, judge, way, link_id)
  check_link_id(tree, judge, link_id)
  if not show_counter(tvb, tree, judge, COUNTER_SIZE + TAG_SIZE) then
    return "secure record"
  end
  local sealed = tvb:len() - COUNTER_SIZE - TAG_SIZE
  add_octets(tree, frame_show.ciphertext, tvb, COUNTER_SIZE, sealed)
  tree:add(frame_show.tag, tvb(tvb:len() - TAG_SIZE, TAG_SIZE))
  return "secure record " .. tvb(0, COUNTER_SIZE):le_uint() .. ", " .. sealed .. " octets"
end

function PAYLOAD.CLEAR(tvb, tree, judge, way, link_id)
  check_link_id(tree, judge, link_id)
  if not show_counter(tvb, tree, judge, COUNTER_SIZE) then
    return "clear record"
  end
  local plaintext = tvb:len() - COUNTER_SIZE
  if plaintext > MAX_PLAINTEXT then
    fault(judge, tree, "length", plaintext .. " octets of plaintext, at most " .. MAX_PLAINTEXT)
  end
  if plaintext < HEADER_SIZE then
    fault(judge, tree, "header", plaintext .. " octets, a message has at least " .. HEADER_SIZE)
    add_octets(tree, show.trailing, tvb, COUNTER_SIZE, plaintext)
  else
    judge.inside = tvb(COUNTER_SIZE):tvb()
  end
  return "clear record " .. tvb(0, COUNTER_SIZE):le_uint()
end

-- --- the frame itself -----------------------------------------------------------------------------------------

-- Shown at the end of the frame, where it stands; checked before everything else.
local function show_crc(tvb, tree, good)
  local range = tvb(tvb:len() - CRC_SIZE, CRC_SIZE)
  tree:add_le(frame_show.crc32c, range)
  tree:add(frame_show.crc_good, range, good):set_generated()
end

local function check_crc(tvb, tree, judge)
  local size = tvb:len()
  local computed, stated = crc32c(tvb:raw(0, size - CRC_SIZE)), tvb(size - CRC_SIZE, CRC_SIZE):le_uint()
  if size > MAX_FRAME then
    fault(judge, tree, "size", size .. " octets, at most " .. MAX_FRAME)
  end
  if computed ~= stated then
    fault(judge, tree, "crc", string.format("computed 0x%08X, received 0x%08X", computed, stated))
  end
  return computed == stated
end

-- The steps after COBS in their order; most of link_id and state is known to the endpoints only.
local function check_frame(tvb, tree, judge, way)
  local proto_item = tree:add(frame_show.proto, tvb(0, 1))
  if tvb(0, 1):uint() ~= PROTO then
    fault(judge, proto_item, "proto", string.format("must be 0x%02X", PROTO))
  end
  local kind_item = tree:add(frame_show.kind, tvb(1, 1))
  if not WORDS.FrameKind[tvb(1, 1):uint()] then
    fault(judge, kind_item, "kind", "an unknown kind of frame")
  end
  local flags, flags_item = tvb(2, 1):uint(), tree:add(frame_show.flags, tvb(2, 1))
  flags_item:add(frame_show.direction, tvb(2, 1))
  if flags > 1 or (way and flags ~= way) then
    fault(judge, flags_item, "flags", flags > 1 and "reserved bits are set" or "the frame goes the other way")
  end
  tree:add(frame_show.seq, tvb(3, 1))
  tree:add_le(frame_show.link_id, tvb(4, 2))
  local len_item, payload = tree:add(frame_show.len, tvb(6, 1)), tvb:len() - MIN_FRAME
  if tvb(6, 1):uint() ~= payload then
    fault(judge, len_item, "length", "the frame holds " .. payload .. " octets of payload")
  end
end

local function show_payload(tvb, tree, judge)
  local kind, size = WORDS.FrameKind[tvb(1, 1):uint()], tvb:len() - MIN_FRAME
  if not kind then
    add_octets(tree, frame_show.payload, tvb, FRAME_HEADER_SIZE, size)
    return "frame of an unknown kind"
  end
  -- An empty range makes no buffer; an empty ByteArray does.
  local inside = size > 0 and tvb(FRAME_HEADER_SIZE, size):tvb() or ByteArray.new():tvb("empty payload")
  return PAYLOAD[kind](inside, tree, judge, tvb(2, 1):uint() % 2, tvb(4, 2):le_uint())
end

-- A capture tells the direction as the pump sees it: inbound is towards it.
local WAYS = { [P2P_DIR_RECV] = TO_PUMP, [P2P_DIR_SENT] = 1 - TO_PUMP }
local comments = Field.new("frame.comment")

-- The reason that a comment of the capture gives for a drop, or nil.
local function told_drop()
  for _, comment in ipairs({ comments() }) do
    for _, mark in ipairs(DROP_MARKS) do
      local text = tostring(comment)
      local reason = text:sub(1, #mark) == mark and text:sub(#mark + 1):match("^([%l_]+):")
      if reason and experts[reason] then
        return reason, text
      end
    end
  end
end

local function dissect_frame(tvb, pinfo, tree, judge)
  local reason, text = told_drop()
  local title
  if RAW[reason] then
    fault(judge, tree, reason, text)
    tree:add(frame_show.raw, tvb())
    title = tvb:len() .. " octets that are no frame"
  elseif tvb:len() < MIN_FRAME then
    fault(judge, tree, "size", tvb:len() .. " octets, at least " .. MIN_FRAME)
    tree:add(frame_show.raw, tvb())
    title = tvb:len() .. " octets"
  else
    local good = check_crc(tvb, tree, judge)
    check_frame(tvb, tree, judge, WAYS[pinfo.p2p_dir])
    title = show_payload(tvb, tree, judge)
    show_crc(tvb, tree, good)
    local way = tvb(2, 1):uint() % 2
    pinfo.cols.src, pinfo.cols.dst = SENDERS[way], SENDERS[1 - way]
  end
  if reason then
    tree:add(frame_show.told, reason):set_generated()
    if judge.key ~= reason then
      tree:add_proto_expert_info(experts[reason], text)
    end
  end
  if judge.key then
    tree:add(show.drop, judge.key):set_generated()
  end
  local dropped = judge.key or reason
  return title .. (dropped and " [" .. dropped .. "]" or "")
end

function oitp.dissector(tvb, pinfo, root)
  pinfo.cols.protocol = "OITP"
  if tvb:len() == 0 then
    return 0
  end
  local tree, judge = root:add(oitp, tvb()), new_judge()
  local title = dissect_frame(tvb, pinfo, tree, judge)
  tree:append_text(": " .. title)
  if judge.inside then
    app.dissector(judge.inside, pinfo, root)
    title = title .. ": " .. tostring(pinfo.cols.info)
  end
  pinfo.cols.info = title
  return tvb:len()
end

oitp.fields = field_list
oitp.experts = expert_list

DissectorTable.get("wtap_encap"):add(wtap.USER0, oitp)
