import type { Context } from "hono";
import { Hono } from "hono";

import { GatewayError } from "../../errors/gateway-error.ts";
import { type StrategyName, strategyNames } from "../../history/history-strategy.ts";
import type { Identity, Principal } from "../../identity/principal.ts";
import type { Limiter } from "../../limits/limiter.ts";
import type { ChatMessage } from "../../protocol/chat-message.ts";
import { parseJson } from "../../protocol/scan-body.ts";
import { mintSessionId, parseSessionId, type SessionIdFormat } from "../../session/session-id.ts";
import type { PageRequest, SessionDirectory, SessionEntry, TranscriptEntry } from "../../turn/session-directory.ts";
import type { SessionCall } from "../../turn/session-door.ts";
import { type SessionVisitor, visitorOf } from "../../turn/session-visitor.ts";
import type { GatewayEnv } from "../gateway-env.ts";
import type { HttpSettings } from "../http-settings.ts";
import { parsePage } from "../page.ts";
import { readBody } from "../read-body.ts";
import { sessionHeader } from "../session-name.ts";
import { showContext } from "../show-context.ts";

interface SessionRouteParts {
  readonly directory: SessionDirectory;
  readonly identity: Identity;
  readonly idFormat: SessionIdFormat;
  readonly limiter: Limiter;
  readonly defaultStrategy: StrategyName;
  readonly settings: HttpSettings;
}

/** A user's own sessions, from listing to rotating. What is not the caller's is not there. */
export function sessions(parts: SessionRouteParts): Hono<GatewayEnv> {
  const { directory } = parts;
  const app = new Hono<GatewayEnv>();
  const whoAsks = callerReader(parts);
  const callOf = async (context: Context<GatewayEnv>): Promise<SessionCall & KnownVisitor> => {
    const sessionId = sessionParam(context);
    return { ...(await whoAsks(context, sessionId)), sessionId };
  };
  const shown = (entry: SessionEntry) => showSession(entry, parts.defaultStrategy);
  const fieldsOf = async ({ env }: Context<GatewayEnv>) =>
    readFields(await readBody(env.incoming, parts.settings.maxBodyBytes));

  app.get("/", async (context) => {
    const { visitor } = await whoAsks(context, sessionHeader(context.env.incoming));
    const { entries, hasMore } = await directory.list(visitor, parsePage(context.req.query(), "desc"));
    return context.json(listOf(entries.map(shown), hasMore));
  });
  app.post("/", async (context) => {
    const minted = mintSessionId(parts.idFormat);
    const { principal, visitor } = await whoAsks(context, minted);
    const { id = "new", ...body } = await fieldsOf(context);
    if (principal.anonymous && id !== "new") {
      throw new GatewayError("session_not_found", "an anonymous caller named a session");
    }
    await parts.limiter.mayCreateSession(principal);
    const entry = await directory.create(visitor, {
      sessionId: id === "new" ? minted : parseSessionId(id),
      title: body.title ?? "",
      strategy: body.strategy,
    });
    return context.json(shown(entry), 201);
  });
  app.get("/:id", async (context) => context.json(shown(await directory.read(await callOf(context)))));
  app.post("/:id", async (context) => {
    const call = await callOf(context);
    const { id, ...changes } = await fieldsOf(context);
    if (id !== undefined) throw wrong("id", "is changed by /rotate only");
    return context.json(shown(await directory.update(call, changes)));
  });
  app.delete("/:id", async (context) => {
    const call = await callOf(context);
    await directory.remove(call);
    return context.json({ id: call.sessionId, object: "session.deleted", deleted: true });
  });
  app.get("/:id/messages", async (context) => {
    const page = parsePage(context.req.query(), "asc");
    return context.json(pageOfMessages(await directory.messages(await callOf(context)), page));
  });
  app.get("/:id/context", async (context) => context.json(showContext(await directory.context(await callOf(context)))));
  app.post("/:id/rotate", async (context) => {
    const call = await callOf(context);
    if (call.principal.anonymous) throw notRotatable();
    return context.json(shown(await directory.rotate(call)));
  });
  return app;
}

/** Only who the upstream would serve may read what is stored: a revoked key reads nothing. */
const callerReader =
  ({ identity, settings }: SessionRouteParts) =>
  async ({ env: { incoming } }: Context<GatewayEnv>, sessionId: string | undefined): Promise<KnownVisitor> => {
    const caller = settings.caller(incoming);
    const principal = await identity.resolve(caller, { sessionId });
    await identity.verify(principal, caller);
    return { principal, visitor: visitorOf(principal, caller) };
  };

interface KnownVisitor {
  readonly principal: Principal;
  readonly visitor: SessionVisitor;
}

/** The id is all that an anonymous caller is known by: under another one he would be another. */
const notRotatable = (): GatewayError =>
  new GatewayError("not_found", "an anonymous session was to be rotated", {
    publicDetail: "A session without a credential cannot be rotated.",
  });

/** A malformed id is somebody's session as little as an unknown one. */
function sessionParam(context: Context<GatewayEnv>): string {
  try {
    return parseSessionId(context.req.param("id") ?? "");
  } catch {
    throw new GatewayError("session_not_found", "malformed session id in a path");
  }
}

interface SessionFields {
  readonly id: string | undefined;
  readonly title: string | undefined;
  readonly strategy: StrategyName | undefined;
}

const MAX_TITLE = 200;

function readFields(body: Buffer): SessionFields {
  const fields = body.length === 0 ? {} : parseJson(body.toString("utf8"));
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) throw wrong("body", "must be an object");
  const { id, title, strategy, ...unknown } = fields as Record<string, unknown>;
  const [extra] = Object.keys(unknown);
  if (extra !== undefined) throw wrong(extra.slice(0, 64), "is not a field of a session");
  if (id !== undefined && typeof id !== "string") throw wrong("id", "must be a string");
  if (title !== undefined && (typeof title !== "string" || title.length > MAX_TITLE)) {
    throw wrong("title", `must be a string of at most ${MAX_TITLE} characters`);
  }
  const known = strategyNames.find((name) => name === strategy);
  if (strategy !== undefined && !known) throw wrong("strategy", `must be one of ${strategyNames.join(", ")}`);
  return { id, title, strategy: known };
}

const wrong = (param: string, rule: string): GatewayError =>
  new GatewayError("invalid_parameter", `${param} ${rule}`, { publicDetail: `'${param}' ${rule}.`, param });

const seconds = (milliseconds: number): number => Math.floor(milliseconds / 1000);

const showSession = ({ head, expiresAt }: SessionEntry, defaultStrategy: StrategyName) => ({
  id: head.sessionId,
  object: "session",
  title: head.title,
  created_at: seconds(head.createdAt),
  last_active_at: seconds(head.lastActiveAt),
  expires_at: seconds(expiresAt),
  turn_count: head.turns,
  message_count: head.messages,
  strategy: head.strategy ?? defaultStrategy,
  tokens_saved: head.totals.baselineTokens - head.totals.sentTokens - head.totals.overheadTokens,
});

function showMessage({ id, at, turn, status, message }: TranscriptEntry) {
  const fields = JSON.parse(message.bytes.toString("utf8")) as ChatMessage;
  // A keyed hash of what the client saw: who holds the original can prove it, and nobody else can guess it.
  const original = message.seen === message.stored ? {} : { original_hash: message.seen };
  return { ...fields, id, object: "session.message", created_at: seconds(at), turn, status, ...original };
}

function pageOfMessages(entries: readonly TranscriptEntry[], { limit, order, after }: PageRequest) {
  const ordered = order === "asc" ? entries : entries.toReversed();
  const from = after === undefined ? 0 : ordered.findIndex(({ id }) => id === after) + 1;
  if (after !== undefined && from === 0) throw wrong("after", "is not the id of one of this session's messages");
  return listOf(ordered.slice(from, from + limit).map(showMessage), ordered.length > from + limit);
}

const listOf = <T extends { readonly id: string }>(data: readonly T[], hasMore: boolean) => ({
  object: "list",
  data,
  first_id: data[0]?.id ?? null,
  last_id: data.at(-1)?.id ?? null,
  has_more: hasMore,
});
