import { redisScript } from "./redis-script.ts";

/**
 * A record is one hash: `b` its bytes, `e` expiresAt or ''. Keys: the record, the names of all, the ends of those that
 * expire. Whether it is live is decided by the caller's clock; Redis's own only clears away, a minute later, and names
 * whose records it has cleared away are forgotten with the next write. Both indexes are exact, because record and
 * indexes change in one step.
 */
const sharedLua = `
local now = tonumber(ARGV[1])

local function readLive()
  local record = redis.call('HMGET', KEYS[1], 'b', 'e')
  if record[1] and (record[2] == '' or tonumber(record[2]) > now) then return record[1] end
end

local function forgetEnded()
  local ended = redis.call('ZRANGE', KEYS[3], '-inf', string.format('%.0f', now - 60000), 'BYSCORE', 'LIMIT', 0, 20)
  if #ended == 0 then return end
  redis.call('ZREM', KEYS[2], unpack(ended))
  redis.call('ZREM', KEYS[3], unpack(ended))
end

local function write(name, bytes, expiresAt)
  redis.call('HSET', KEYS[1], 'b', bytes, 'e', expiresAt)
  redis.call('ZADD', KEYS[2], 0, name)
  if expiresAt == '' then
    redis.call('PERSIST', KEYS[1])
    redis.call('ZREM', KEYS[3], name)
  else
    redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.max(tonumber(expiresAt) - now, 0) + 60000))
    redis.call('ZADD', KEYS[3], expiresAt, name)
  end
  forgetEnded()
end
`;

/** Arguments: now, name, bytes, expiresAt or ''. Answer: the bytes that are there now. */
const putLua = `${sharedLua}
local bytes = readLive()
if bytes then return bytes end
write(ARGV[2], ARGV[3], ARGV[4])
return ARGV[3]
`;

/** Arguments: now, name, bytes, expiresAt or '', expected. Answer: 1 if it was replaced. */
const replaceLua = `${sharedLua}
if readLive() ~= ARGV[5] then return 0 end
write(ARGV[2], ARGV[3], ARGV[4])
return 1
`;

/** Arguments: now, name. Answer: 1 if there was a live one. */
const removeLua = `${sharedLua}
local wasLive = readLive() and 1 or 0
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[2])
redis.call('ZREM', KEYS[3], ARGV[2])
return wasLive
`;

export const putRecord = redisScript(putLua);
export const replaceRecord = redisScript(replaceLua);
export const removeRecord = redisScript(removeLua);
