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
frame_show.drop = text_field("oitp.drop", "verdict", "first acceptance step that fails, by the name of its counter")

-- The direction of a packet is told from the interface's owner, and the owner by the interface's name.
local interface_name = Field.new("frame.interface_name")

local function way_of(pinfo)
  local name = interface_name()
  local owner = name and OWNERS[tostring(name)]
  if not owner or (pinfo.p2p_dir ~= P2P_DIR_SENT and pinfo.p2p_dir ~= P2P_DIR_RECV) then
    return nil
  end
  return pinfo.p2p_dir == P2P_DIR_SENT and owner or 1 - owner
end

local PAYLOAD = {}

local function add_octets(tree, field, tvb, at, size)
  if size > 0 then
    tree:add(field, tvb(at, size))
  end
end

function PAYLOAD.LINK(tvb, pinfo, tree, judge)
  judge.as = "link_message"
  if tvb:len() == 0 then
    fault(judge, tree, nil, NO_FIELD, "an empty link control message")
    return "link control message without an op"
  end
  local op = tvb(0, 1):uint()
  local message, item = LINK_MESSAGES[op], tree:add(frame_show.op, tvb(0, 1))
  if not message then
    fault(judge, item, nil, NO_FIELD, "the op is unknown")
    add_octets(tree, show.trailing, tvb, 1, tvb:len() - 1)
    return string.format("link control message 0x%02X", op)
  end
  local size = tvb:len() - 1
  if message.echo then
    if size > message.echo then
      fault(judge, item, nil, NO_FIELD, "echo size " .. size .. " is outside 0.." .. message.echo)
    end
    add_octets(tree, frame_show.echo, tvb, 1, size)
    return message.name .. ", " .. size .. " octets"
  end
  if size ~= message.fields.fixed then
    fault(judge, item, nil, NO_FIELD, "the body has " .. size .. " octets; it must have " .. message.fields.fixed)
  end
  local after = show_fields(message.fields, tvb, 1, tree, judge)
  add_octets(tree, show.trailing, tvb, after, tvb:len() - after)
  if message.name == "HELLO" and size >= 2 and tvb(2, 1):uint() < tvb(1, 1):uint() then
    fault(judge, item, nil, NO_FIELD, "ver_max is below ver_min")
  end
  return message.name
end

function PAYLOAD.HANDSHAKE(tvb, pinfo, tree, judge, way)
  judge.as = "handshake"
  local size = tvb:len()
  if size < HANDSHAKE_HEADER.fixed then
    fault(judge, tree, nil, NO_FIELD, size .. " octets; a handshake header has " .. HANDSHAKE_HEADER.fixed)
    add_octets(tree, show.trailing, tvb, 0, size)
    return "handshake"
  end
  local at = show_fields(HANDSHAKE_HEADER, tvb, 0, tree, judge)
  local suite, step = WORDS.Suite[tvb(0, 1):uint()], WORDS.HandshakeStep[tvb(1, 1):uint()]
  if suite == "NNPSK0" and tvb(2, 2):le_uint() ~= 0 then
    fault(judge, tree, nil, NO_FIELD, "an enrolment has no slot")
  end
  if step and step ~= HANDSHAKE_STEPS[way] then
    fault(judge, tree, nil, NO_FIELD, "the " .. step:lower() .. " message does not go this way")
  end
  if step and size ~= HANDSHAKE_SIZES[step] then
    fault(judge, tree, nil, NO_FIELD, size .. " octets; this message must have " .. HANDSHAKE_SIZES[step])
  end
  local key = math.min(KEY_SIZE, size - at)
  add_octets(tree, frame_show.ephemeral, tvb, at, key)
  local sealed = size - at - key
  local tag = math.min(TAG_SIZE, sealed)
  add_octets(tree, frame_show.grant, tvb, at + key, sealed - tag)
  add_octets(tree, frame_show.handshake_tag, tvb, size - tag, tag)
  return "handshake " .. (suite or "of an unknown suite") .. ", " .. (step and step:lower() or "unknown") .. " message"
end

-- Counter of a record; returns false where the record is too short for it.
local function show_counter(tvb, tree, judge, least)
  if tvb:len() < least then
    fault(judge, tree, "record_short", NO_FIELD, tvb:len() .. " octets, at least " .. least .. " are needed")
    add_octets(tree, show.trailing, tvb, 0, tvb:len())
    return false
  end
  local item, counter = tree:add_le(frame_show.counter, tvb(0, COUNTER_SIZE)), tvb(0, COUNTER_SIZE):le_uint()
  if counter >= MAX_RECORDS then
    fault(judge, item, "exhausted", NO_FIELD, "counter " .. counter .. ", must be below " .. MAX_RECORDS)
  end
  return true
end

function PAYLOAD.SECURE(tvb, pinfo, tree, judge)
  if not show_counter(tvb, tree, judge, COUNTER_SIZE + TAG_SIZE) then
    return "secure record"
  end
  local sealed = tvb:len() - COUNTER_SIZE - TAG_SIZE
  add_octets(tree, frame_show.ciphertext, tvb, COUNTER_SIZE, sealed)
  tree:add(frame_show.tag, tvb(tvb:len() - TAG_SIZE, TAG_SIZE))
  return "secure record " .. tvb(0, COUNTER_SIZE):le_uint() .. ", " .. sealed .. " octets"
end

function PAYLOAD.CLEAR(tvb, pinfo, tree, judge)
  if not show_counter(tvb, tree, judge, COUNTER_SIZE) then
    return "clear record"
  end
  local plaintext = tvb:len() - COUNTER_SIZE
  if plaintext < HEADER_SIZE then
    fault(judge, tree, "header", NO_FIELD, plaintext .. " octets, a message has at least " .. HEADER_SIZE)
    add_octets(tree, show.trailing, tvb, COUNTER_SIZE, plaintext)
    return "clear record"
  end
  judge.inside = tvb(COUNTER_SIZE):tvb()
  return "clear record " .. tvb(0, COUNTER_SIZE):le_uint()
end

-- The steps after COBS in their order; link_id and state are known to the endpoints only.
local function check_frame(tvb, tree, judge, way)
  local size = tvb:len()
  if size > MAX_FRAME then
    fault(judge, tree, "size", NO_FIELD, size .. " octets, at most " .. MAX_FRAME)
  end
  local computed, stated = crc32c(tvb:raw(0, size - CRC_SIZE)), tvb(size - CRC_SIZE, CRC_SIZE):le_uint()
  local crc_item = tree:add_le(frame_show.crc32c, tvb(size - CRC_SIZE, CRC_SIZE))
  tree:add(frame_show.crc_good, tvb(size - CRC_SIZE, CRC_SIZE), computed == stated):set_generated()
  if computed ~= stated then
    fault(judge, crc_item, "crc", NO_FIELD, string.format("computed 0x%08X", computed))
  end
  local proto_item = tree:add(frame_show.proto, tvb(0, 1))
  if tvb(0, 1):uint() ~= PROTO then
    fault(judge, proto_item, "proto", NO_FIELD, string.format("must be 0x%02X", PROTO))
  end
  local kind_item = tree:add(frame_show.kind, tvb(1, 1))
  if not WORDS.FrameKind[tvb(1, 1):uint()] then
    fault(judge, kind_item, "kind", NO_FIELD, "an unknown kind of frame")
  end
  local flags, flags_item = tvb(2, 1):uint(), tree:add(frame_show.flags, tvb(2, 1))
  flags_item:add(frame_show.direction, tvb(2, 1))
  if flags > 1 or (way and flags ~= way) then
    local wrong = flags > 1 and "reserved bits are set" or "the frame goes the other way"
    fault(judge, flags_item, "flags", NO_FIELD, wrong)
  end
  tree:add(frame_show.seq, tvb(3, 1))
  tree:add_le(frame_show.link_id, tvb(4, 2))
  local len_item = tree:add(frame_show.len, tvb(6, 1))
  if tvb(6, 1):uint() ~= size - MIN_FRAME then
    fault(judge, len_item, "length", NO_FIELD, "the frame holds " .. size - MIN_FRAME .. " octets of payload")
  end
end

local SENDERS = { [0] = "programmer", [1] = "pump" }

function oitp.dissector(tvb, pinfo, root)
  local tree, judge, way = root:add(oitp, tvb()), new_judge(), way_of(pinfo)
  pinfo.cols.protocol = "OITP"
  local title
  if tvb:len() < MIN_FRAME then
    fault(judge, tree, "size", NO_FIELD, tvb:len() .. " octets, at least " .. MIN_FRAME)
    add_octets(tree, show.trailing, tvb, 0, tvb:len())
    title = tvb:len() .. " octets"
  else
    check_frame(tvb, tree, judge, way)
    local kind = WORDS.FrameKind[tvb(1, 1):uint()]
    way = tvb(2, 1):uint() % 2
    pinfo.cols.src, pinfo.cols.dst = SENDERS[way], SENDERS[1 - way]
    local inside, size = nil, tvb:len() - MIN_FRAME
    if kind then
      -- An empty range makes no buffer; ByteArray does.
      inside = size > 0 and tvb(FRAME_HEADER_SIZE, size):tvb() or ByteArray.new():tvb("empty payload")
      title = PAYLOAD[kind](inside, pinfo, tree, judge, way)
    else
      add_octets(tree, frame_show.payload, tvb, FRAME_HEADER_SIZE, size)
      title = "frame of an unknown kind"
    end
  end
  if judge.key then
    tree:add(frame_show.drop, judge.key):set_generated()
    title = title .. " [" .. judge.key .. "]"
  end
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
