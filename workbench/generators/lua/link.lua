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
