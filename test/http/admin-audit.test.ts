import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { send, type WireAnswer, type WireRequest } from "../support/http-calls.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

const ADMIN_KEY = "admin-key-of-this-test";

interface Listing {
  readonly object: string;
  readonly data: readonly { readonly id: string; readonly event: string; readonly reason: string | null }[];
  readonly first_id: string | null;
  readonly last_id: string | null;
  readonly has_more: boolean;
}

describe("GET /admin/audit", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway({
      env: { STATEGATE_STORE: "memory:", STATEGATE_IDENTITY__ADMIN_KEY: ADMIN_KEY },
    });
  });
  afterAll(() => gateway.close());

  const read = (query = "", request: WireRequest = { key: ADMIN_KEY }): Promise<WireAnswer> =>
    send({ ...gateway, url: gateway.origin }, `/admin/audit${query}`, request);

  it("lists entries, the newest first, and the reading is one of them", async () => {
    const answer = await read();
    const listing = answer.json<Listing & Record<string, unknown>>();
    expect(answer.status).toBe(200);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(listing).toMatchObject({ object: "list", first_id: listing.data[0]?.id, last_id: listing.data.at(-1)?.id });
    const events = listing.data.map(({ event }) => event);
    expect(events[0]).toBe("sensitive_read");
    expect(events.at(-1)).toBe("sys_startup");
  });

  it("goes on from a cursor, page by page, and meets each entry once", async () => {
    for (let count = 0; count < 3; count += 1) await read();
    const whole = (await read("?limit=100")).json<Listing>();
    const seen: string[] = [];
    let after = whole.first_id;
    for (let hasMore = true; hasMore;) {
      const page = (await read(`?limit=2&after=${after}`)).json<Listing>();
      seen.push(...page.data.map(({ id }) => id));
      [after, hasMore] = [page.last_id, page.has_more];
    }
    expect(seen).toEqual(whole.data.slice(1).map(({ id }) => id));
  });

  it("shows one kind of event where asked to", async () => {
    const listing = (await read("?event=sys_startup")).json<Listing>();
    expect(listing.data.map(({ event }) => event)).toEqual(["sys_startup"]);
    expect(listing.has_more).toBe(false);
  });

  it("shows the entries of one user: none for somebody who has no key", async () => {
    expect((await read(`?user=${"u".repeat(43)}`)).json<Listing>()).toMatchObject({ data: [], has_more: false });
  });

  it.each([["?limit=0"], ["?limit=101"], ["?after=nonsense"], ["?after="], ["?user=short"]])(
    "refuses %s",
    async (query) => {
      expect((await read(query)).status).toBe(400);
    },
  );

  it.each([[undefined], [""], ["wrong"], [`${ADMIN_KEY}x`], ["sk-test-user-1"]])(
    "answers 401 to the key %s, and takes note",
    async (key) => {
      const answer = await read("", { key });
      expect(answer.status).toBe(401);
      expect(answer.json()).toMatchObject({ error: { code: "admin_refused" } });
      expect(answer.headers.get("cache-control")).toBe("no-store");
      const { data } = (await read("?limit=2")).json<Listing>();
      expect(data[1]).toMatchObject({ event: "authn_login_fail", reason: "admin_key" });
    },
  );

  it("answers 404 to what is not there, and 401 without the key: which routes exist is nobody's business", async () => {
    const elsewhere = { ...gateway, url: gateway.origin };
    expect((await send(elsewhere, "/admin/nothing", { key: ADMIN_KEY })).status).toBe(404);
    expect((await send(elsewhere, "/admin/nothing")).status).toBe(401);
  });

  it("is not there without a configured key", async () => {
    const plain = await startTestGateway({ env: { STATEGATE_STORE: "memory:" } });
    const at = { ...plain, url: plain.origin };
    const [there, nowhere] = [await send(at, "/admin/audit", { key: "undefined" }), await send(at, "/nowhere")];
    expect(there.status).toBe(404);
    expect(there.text).toBe(nowhere.text);
    await plain.close();
  });
});
