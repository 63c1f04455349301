import { randomBytes } from "node:crypto";

/** For stores that replicas share, which take no key file. New for every test process. */
export const masterKeys = { STATEGATE_MASTER_KEYS: `test:${randomBytes(32).toString("base64")}` };
