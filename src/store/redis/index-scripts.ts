import { redisScript } from "./redis-script.ts";

/** Enters a session into its owner's index, or confirms it, and keeps the index for so long at least. */
export const touchIndexLua = `
local function touchIndex(index, createdAt, session, lastsMs)
  redis.call('ZADD', index, createdAt, session)
  if redis.call('PTTL', index) < tonumber(lastsMs) then
    redis.call('PEXPIRE', index, string.format('%.0f', tonumber(lastsMs)))
  end
end
`;

/** Arguments: createdAt, session key, how long the index must last at least. */
const touchLua = `${touchIndexLua}
touchIndex(KEYS[1], ARGV[1], ARGV[2], ARGV[3])
`;

/** Arguments: pairs of createdAt and session key. An entry that was written anew since then stays. */
const leaveLua = `
for index = 1, #ARGV, 2 do
  local entered = redis.call('ZSCORE', KEYS[1], ARGV[index + 1])
  if entered and tonumber(entered) == tonumber(ARGV[index]) then redis.call('ZREM', KEYS[1], ARGV[index + 1]) end
end
`;

export const touchOwnerIndex = redisScript(touchLua);
export const leaveOwnerIndex = redisScript(leaveLua);
