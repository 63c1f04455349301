import type { NoticeStore } from "../notice-store.ts";
import { type RedisConnection, translated } from "./redis-connection.ts";
import type { RedisNames } from "./redis-names.ts";
import { redisScript } from "./redis-script.ts";

/** Arguments: notice. Ids come from the server's clock and only ever grow; what is older than ten minutes goes. */
const postNotice = redisScript(`
local oldest = string.format('%.0f', redis.call('TIME')[1] * 1000 - 600000)
return redis.call('XADD', KEYS[1], 'MINID', oldest, '*', 'notice', ARGV[1])
`);

/** A stream: its ids only ever grow, also when the server's clock is set back, and a cursor is the last one seen. */
export function createRedisNoticeStore({ client, callScript }: RedisConnection, names: RedisNames): NoticeStore {
  return {
    async post(notice) {
      await translated(callScript(postNotice, [names.notices], [notice]));
    },
    async read(after) {
      if (after === undefined) {
        const [last] = await translated(client.xrevrange(names.notices, "+", "-", "COUNT", 1));
        return { notices: [], cursor: last?.[0] ?? "0-0" };
      }
      const entries = await translated(client.xrange(names.notices, `(${after}`, "+"));
      return { notices: entries.map(([, fields]) => fields[1] ?? ""), cursor: entries.at(-1)?.[0] ?? after };
    },
  };
}
