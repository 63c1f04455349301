import type { Result } from "ioredis";

import { auditScripts } from "./audit-scripts.ts";
import { indexScripts } from "./index-scripts.ts";
import { quotaScripts } from "./quota-scripts.ts";
import { recordScripts } from "./record-scripts.ts";
import { sessionScripts } from "./session-scripts.ts";

/** Arguments: notice. Ids come from the server's clock and only ever grow; what is older than ten minutes goes. */
const postNoticeLua = `
local oldest = string.format('%.0f', redis.call('TIME')[1] * 1000 - 600000)
return redis.call('XADD', KEYS[1], 'MINID', oldest, '*', 'notice', ARGV[1])
`;

/** Arguments: holder. */
const releaseLeaseLua = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`;

export const redisScripts = {
  ...sessionScripts,
  ...recordScripts,
  ...quotaScripts,
  ...auditScripts,
  ...indexScripts,
  noticePost: { lua: postNoticeLua, numberOfKeys: 1 },
  leaseRelease: { lua: releaseLeaseLua, numberOfKeys: 1 },
};

type Argument = string | number | Buffer;

declare module "ioredis" {
  interface RedisCommander<Context> {
    sessionLoadBuffer(key: string, ...rest: Argument[]): Result<unknown, Context>;
    sessionReadTurnsBuffer(key: string, ...rest: Argument[]): Result<unknown, Context>;
    sessionCommitBuffer(key: string, ...rest: Argument[]): Result<unknown, Context>;
    sessionCommitIndexedBuffer(key: string, index: string, ...rest: Argument[]): Result<unknown, Context>;
    sessionRemoveBuffer(key: string, ...rest: Argument[]): Result<unknown, Context>;
    ownerIndexTouch(key: string, ...rest: Argument[]): Result<unknown, Context>;
    ownerIndexLeave(key: string, ...rest: Argument[]): Result<unknown, Context>;
    recordPutBuffer(record: string, names: string, ends: string, ...rest: Argument[]): Result<unknown, Context>;
    recordReplace(record: string, names: string, ends: string, ...rest: Argument[]): Result<unknown, Context>;
    recordRemove(record: string, names: string, ends: string, ...rest: Argument[]): Result<unknown, Context>;
    quotaTake(key: string, ...rest: Argument[]): Result<unknown, Context>;
    quotaHold(key: string, ...rest: Argument[]): Result<unknown, Context>;
    noticePost(key: string, notice: string): Result<unknown, Context>;
    auditAppend(numberOfKeys: number, ...rest: Argument[]): Result<unknown, Context>;
    leaseRelease(key: string, ...rest: Argument[]): Result<unknown, Context>;
  }
}
