import { touchIndexLua } from "./index-scripts.ts";

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
  local session = redis.call('HMGET', key, 'r', 'o', 'c', 'e', 'l', 'h', 'm', 'n')
  if not isLive(session[4], now) then return {} end
  -- What a damaged hash lacks is answered as nothing: its reader refuses this one session, and the store is not away.
  local revision = session[1] or ''
  local reply = { revision, session[2], session[3], session[4], session[5] or '0' }
  if revision == known then return reply end
  local names = session[8] and cmsgpack.unpack(session[8]) or {}
  reply[6] = session[6] or ''
  reply[7] = #names
  for _, name in ipairs(names) do
    reply[#reply + 1] = name
    reply[#reply + 1] = redis.call('HGET', key, 's:' .. name)
  end
  local from = tonumber(session[5] or 0)
  if known ~= '' and incarnation(known) == incarnation(revision) then from = tonumber(sequence) + 1 end
  reply[#reply + 1] = from
  turnsBetween(from, tonumber(session[7] or -1), reply)
  return reply
end
`;

/** Arguments: now, known revision, known sequence. Answer: {} or the snapshot. */
const loadLua = `${sharedLua}
return snapshot(ARGV[1], ARGV[2], ARGV[3])
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
 * Arguments: now, expected, revision, owner, createdAt, expiresAt, loadFrom, head, known revision, known sequence,
 * turn sequence ('' for none), turn id, turn, the session's key in the index, and then pairs of slot name and `=` + bytes,
 * or `-` to remove it.
 * Answer: {'committed'}, {'taken'} or {'conflict', ...snapshot}.
 */
const commitLua = `${sharedLua}${touchIndexLua}
local now, revision, head, turnField = ARGV[1], ARGV[3], ARGV[8], 't:' .. ARGV[11]
local stored = redis.call('HMGET', key, 'r', 'e', 'm', 'n')
local live = isLive(stored[2], now)

local function isInPlace()
  if not live or stored[1] ~= revision or redis.call('HGET', key, 'h') ~= head then return false end
  if ARGV[11] == '' then return true end
  return string.sub(redis.call('HGET', key, turnField) or '', 1, 32) == ARGV[12]
end

if (live and stored[1] or '') ~= ARGV[2] then
  if isInPlace() then return { 'committed' } end
  local current = snapshot(now, ARGV[9], ARGV[10])
  table.insert(current, 1, 'conflict')
  return current
end
if live and ARGV[11] ~= '' and redis.call('HEXISTS', key, turnField) == 1 then return { 'taken' } end

local lasts = math.max(tonumber(ARGV[6]) - tonumber(now), 0)
-- The first of all writes: a server without memory refuses nothing after a DEL.
if KEYS[2] then touchIndex(KEYS[2], ARGV[5], ARGV[14], lasts + 120000) end
if not live then
  redis.call('DEL', key)
  stored = {}
end
local highest = tonumber(stored[3] or '-1')
if ARGV[11] ~= '' then
  redis.call('HSET', key, turnField, ARGV[12] .. ARGV[13])
  highest = math.max(highest, tonumber(ARGV[11]))
end
redis.call('HSET', key, 'r', revision, 'o', ARGV[4], 'c', ARGV[5], 'e', ARGV[6], 'l', ARGV[7], 'h', head, 'm', highest)

if #ARGV > 14 then
  local kept = {}
  local changed = {}
  for index = 15, #ARGV, 2 do changed[ARGV[index]] = true end
  for _, name in ipairs(stored[4] and cmsgpack.unpack(stored[4]) or {}) do
    if not changed[name] then kept[#kept + 1] = name end
  end
  for index = 15, #ARGV, 2 do
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
return { 'committed' }
`;

/** Arguments: now, owner ('' for any). Answer: {} or owner and 1 if it was live. */
const removeLua = `${sharedLua}
local session = redis.call('HMGET', key, 'o', 'e')
if not session[1] or (ARGV[2] ~= '' and ARGV[2] ~= session[1]) then return {} end
redis.call('DEL', key)
return { session[1], isLive(session[2], ARGV[1]) and 1 or 0 }
`;

export const sessionScripts = {
  sessionLoad: { lua: loadLua, numberOfKeys: 1 },
  sessionReadTurns: { lua: readTurnsLua, numberOfKeys: 1 },
  sessionCommit: { lua: commitLua, numberOfKeys: 1 },
  sessionCommitIndexed: { lua: commitLua, numberOfKeys: 2 },
  sessionRemove: { lua: removeLua, numberOfKeys: 1 },
};
