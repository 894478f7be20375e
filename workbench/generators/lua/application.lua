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
