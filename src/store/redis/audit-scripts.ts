import { redisScript } from "./redis-script.ts";

/**
 * A chain is a sorted set of its rows by sequence, each encoded as `audit-row.ts` says. Keys: the rows of all chains by
 * time, the chains by the time of their first row, then the chains of the batch.
 *
 * Arguments, for each row: the number of its chain among the keys, chain, sequence, time, encoded row.
 * Answer: the sequence of a place that another row has, or -1.
 */
const appendLua = `
local function entryOf(row)
  local _, last, length = string.find(row, '^%d+ %d+ (%d+) [01]\\n')
  return string.sub(row, last + 1, last + tonumber(length))
end

local added = {}
for index = 1, #ARGV, 5 do
  local key, sequence, row = KEYS[tonumber(ARGV[index])], ARGV[index + 2], ARGV[index + 4]
  local there = redis.call('ZRANGE', key, sequence, sequence, 'BYSCORE')[1]
  if not there then added[#added + 1] = index
  elseif entryOf(there) ~= entryOf(row) then return tonumber(sequence) end
end

for _, index in ipairs(added) do
  local key, chain, sequence, at = KEYS[tonumber(ARGV[index])], ARGV[index + 1], ARGV[index + 2], ARGV[index + 3]
  if redis.call('ZCOUNT', key, sequence, sequence) == 0 then
    redis.call('ZADD', key, sequence, ARGV[index + 4])
    redis.call('ZADD', KEYS[1], at, chain .. ':' .. string.format('%016.0f', sequence))
    if redis.call('ZCOUNT', key, '-inf', '(' .. sequence) == 0 then redis.call('ZADD', KEYS[2], at, chain) end
  end
end
return -1
`;

export const appendAudit = redisScript(appendLua);
