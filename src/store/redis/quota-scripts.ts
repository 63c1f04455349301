import { redisScript } from "./redis-script.ts";

/**
 * A quota is one hash: `w:<startsAt>` a window, `p:<holder>` the places of a holder; each holds a count and when it ends,
 * by the clocks of the callers. Redis's own clears away a minute later, so that a clock that is behind still finds what
 * was counted. Windows and holders that have ended are dropped on the way.
 */
const sharedLua = `
local now = tonumber(ARGV[1])

local function entriesOf(kind)
  local entries = {}
  local fields = redis.call('HGETALL', KEYS[1])
  for index = 1, #fields, 2 do
    if string.sub(fields[index], 1, 2) == kind then
      local count, endsAt = string.match(fields[index + 1], '^(%d+) (%d+)$')
      entries[#entries + 1] = { field = fields[index], count = tonumber(count), endsAt = tonumber(endsAt) }
    end
  end
  return entries
end

local function write(field, count, endsAt)
  redis.call('HSET', KEYS[1], field, string.format('%.0f %.0f', count, endsAt))
  local lastsMs = math.max(endsAt - now, 0) + 60000
  if redis.call('PTTL', KEYS[1]) < lastsMs then redis.call('PEXPIRE', KEYS[1], string.format('%.0f', lastsMs)) end
end

local function share(want, left) return math.max(0, math.min(tonumber(want), left)) end
`;

/** Arguments: now, startsAt, endsAt, limit, want. Answer: granted, used. */
const takeLua = `${sharedLua}
local window = 'w:' .. ARGV[2]
local used = 0
for _, entry in ipairs(entriesOf('w:')) do
  if entry.field == window then used = entry.count
  elseif entry.endsAt + 60000 <= now then redis.call('HDEL', KEYS[1], entry.field) end
end
local granted = share(ARGV[5], tonumber(ARGV[4]) - used)
if granted > 0 then write(window, used + granted, tonumber(ARGV[3])) end
return { granted, used + granted }
`;

/** Arguments: now, holder, count, limit, until. Answer: how many it holds. */
const holdLua = `${sharedLua}
local holder = 'p:' .. ARGV[2]
local taken = 0
for _, entry in ipairs(entriesOf('p:')) do
  if entry.endsAt <= now then redis.call('HDEL', KEYS[1], entry.field)
  elseif entry.field ~= holder then taken = taken + entry.count end
end
local held = share(ARGV[3], tonumber(ARGV[4]) - taken)
if held > 0 then write(holder, held, tonumber(ARGV[5])) else redis.call('HDEL', KEYS[1], holder) end
return held
`;

export const takeQuota = redisScript(takeLua);
export const holdQuota = redisScript(holdLua);
