import { touchIndexLua } from "./index-scripts.ts";
import { redisScript } from "./redis-script.ts";

/**
 * A session is one hash, so that it is loaded, committed and evicted as a whole:
 * `r` revision, `o` owner, `c` createdAt, `e` expiresAt, `l` loadFrom, `h` head, `m` highest turn sequence,
 * `n` names of the slots, `s:<name>` a slot, `t:<sequence>` a turn: its id (32 bytes) and then its sealed bytes.
 *
 * Expiry is decided by the caller's clock, which every script is handed; Redis's own only clears away, a little later.
 */
const sharedLua = `
local key = KEYS[1]

local function turnsBetween(from, last, into)
  -- In slices, because unpack() puts every field on Lua's small stack.
  for start = from, last, 500 do
    local fields = {}
    for sequence = start, math.min(start + 499, last) do fields[#fields + 1] = 't:' .. sequence end
    for _, turn in ipairs(redis.call('HMGET', key, unpack(fields))) do into[#into + 1] = turn end
  end
end

local function incarnation(revision) return string.match(revision, '^[^.]*') end

local function isLive(expiresAt, now) return expiresAt and tonumber(expiresAt) > tonumber(now) end

local function snapshot(now, known, sequence)
  local revision, owner, createdAt, expiresAt, loadFrom = unpack(redis.call('HMGET', key, 'r', 'o', 'c', 'e', 'l'))
  if not isLive(expiresAt, now) then return {} end
  -- What a damaged hash lacks is answered as nothing: its reader refuses this one session, and the store is not away.
  revision, loadFrom = revision or '', loadFrom or '0'
  local reply = { revision .. ' ' .. (createdAt or '') .. ' ' .. expiresAt .. ' ' .. loadFrom .. ' ' .. (owner or '') }
  if revision == known then return reply end
  local head, highest, names = unpack(redis.call('HMGET', key, 'h', 'm', 'n'))
  names = names and cmsgpack.unpack(names) or {}
  reply[2] = head or ''
  reply[3] = #names
  for _, name in ipairs(names) do
    reply[#reply + 1] = name
    reply[#reply + 1] = redis.call('HGET', key, 's:' .. name)
  end
  local from = tonumber(loadFrom)
  if known ~= '' and incarnation(known) == incarnation(revision) then from = tonumber(sequence) + 1 end
  reply[#reply + 1] = from
  turnsBetween(from, tonumber(highest or -1), reply)
  return reply
end
`;

/** Argument: now, known revision and known sequence, with a space between. Answer: {} or the snapshot. */
const loadLua = `${sharedLua}
return snapshot(string.match(ARGV[1], '^(%S*) (%S*) (%S*)$'))
`;

/** Arguments: now, from, to. Answer: {} or first sequence and turns. */
const readTurnsLua = `${sharedLua}
local session = redis.call('HMGET', key, 'e', 'm')
if not isLive(session[1], ARGV[1]) then return {} end
local from = math.max(tonumber(ARGV[2]), 0)
local reply = { from }
turnsBetween(from, math.min(tonumber(ARGV[3]) - 1, tonumber(session[2] or -1)), reply)
return reply
`;

/**
 * Keys: the session, and its owner's index to enter it there as well, if that lies on the same node.
 * Arguments: now, createdAt, expiresAt, loadFrom, expected, revision, known revision, known sequence and turn sequence
 * ('' for none) with spaces between; owner, the session's key in the index, head, turn as it is stored, and then pairs of
 * slot name and `=` + bytes, or `-` to remove it.
 * Answer: 1 if it is written, 0 if its turn has the place of another, else {} or the snapshot.
 */
const commitLua = `${sharedLua}${touchIndexLua}
local now, createdAt, expiresAt, loadFrom, expected, revision, knownRevision, knownSequence, sequence =
  string.match(ARGV[1], '^(%S*) (%S*) (%S*) (%S*) (%S*) (%S*) (%S*) (%S*) (%S*)$')
local owner, entry, head, turn = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local turnField = 't:' .. sequence
local there, endsAt, highest, names, placed = unpack(redis.call('HMGET', key, 'r', 'e', 'm', 'n', turnField))
local live = isLive(endsAt, now)

local function isInPlace()
  if not live or there ~= revision or redis.call('HGET', key, 'h') ~= head then return false end
  return sequence == '' or string.sub(placed or '', 1, 32) == string.sub(turn, 1, 32)
end

if (live and there or '') ~= expected then
  return isInPlace() and 1 or snapshot(now, knownRevision, knownSequence)
end
if live and placed then return 0 end

local lasts = math.max(tonumber(expiresAt) - tonumber(now), 0)
-- The first of all writes: a server without memory refuses nothing after a DEL.
if KEYS[2] then touchIndex(KEYS[2], createdAt, entry, lasts + 120000) end
if not live then
  redis.call('DEL', key)
  highest, names = false, false
end
local fields = { 'r', revision, 'o', owner, 'c', createdAt, 'e', expiresAt, 'l', loadFrom, 'h', head }
highest = tonumber(highest or '-1')
if sequence ~= '' then
  highest = math.max(highest, tonumber(sequence))
  fields[13], fields[14] = turnField, turn
end
redis.call('HSET', key, 'm', highest, unpack(fields))

if #ARGV > 5 then
  local kept = {}
  local changed = {}
  for index = 6, #ARGV, 2 do changed[ARGV[index]] = true end
  for _, name in ipairs(names and cmsgpack.unpack(names) or {}) do
    if not changed[name] then kept[#kept + 1] = name end
  end
  for index = 6, #ARGV, 2 do
    local name, value = ARGV[index], ARGV[index + 1]
    if string.sub(value, 1, 1) == '=' then
      kept[#kept + 1] = name
      redis.call('HSET', key, 's:' .. name, string.sub(value, 2))
    else
      redis.call('HDEL', key, 's:' .. name)
    end
  end
  redis.call('HSET', key, 'n', cmsgpack.pack(kept))
end

-- A minute of grace, so that clocks that differ a little never lose a session that is still live for one of them.
redis.call('PEXPIRE', key, string.format('%.0f', lasts + 60000))
return 1
`;

/** Arguments: now, owner ('' for any). Answer: {} or owner and 1 if it was live. */
const removeLua = `${sharedLua}
local session = redis.call('HMGET', key, 'o', 'e', 'c')
if not session[1] or (ARGV[2] ~= '' and ARGV[2] ~= session[1]) then return {} end
redis.call('DEL', key)
return { session[1], isLive(session[2], ARGV[1]) and 1 or 0, session[3] or '' }
`;

export const loadSession = redisScript(loadLua);
export const readSessionTurns = redisScript(readTurnsLua);
export const commitSession = redisScript(commitLua);
export const removeSession = redisScript(removeLua);
