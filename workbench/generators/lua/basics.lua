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
