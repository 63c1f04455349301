import { Hono } from "hono";

import { GatewayError } from "../errors/gateway-error.ts";
import type { StrategyName } from "../history/history-strategy.ts";
import type { BrowserLogins } from "../identity/browser-logins.ts";
import type { Identity } from "../identity/principal.ts";
import { createSessionDirectory } from "../turn/session-directory.ts";
import type { TurnRing } from "../turn/turn-ring.ts";
import type { UserRights } from "../users/user-rights.ts";
import { errorAnswer } from "./error-response.ts";
import type { GatewayEnv } from "./gateway-env.ts";
import type { HttpSettings } from "./http-settings.ts";
import { noSessionInQuery } from "./middleware/no-session-in-query.ts";
import { preflight } from "./middleware/preflight.ts";
import { requestId } from "./middleware/request-id.ts";
import { unambiguousHeaders } from "./middleware/unambiguous-headers.ts";
import { createPlainChat, type PlainChat } from "./plain-chat.ts";
import { admin, type AdminParts } from "./routes/admin.ts";
import { chatCompletions, createChatHandler } from "./routes/chat-completions.ts";
import { health, type HealthParts } from "./routes/health.ts";
import { login } from "./routes/login.ts";
import { me } from "./routes/me.ts";
import { passThroughRoute } from "./routes/pass-through-route.ts";
import { sessions } from "./routes/sessions.ts";
import { withCallLimit } from "./with-call-limit.ts";

export interface AppParts {
  readonly ring: TurnRing;
  readonly identity: Identity;
  /** `undefined`: browsers cannot log in. */
  readonly logins: BrowserLogins | undefined;
  readonly rights: UserRights;
  readonly settings: HttpSettings;
  readonly defaultStrategy: StrategyName;
  readonly health: HealthParts;
  /** `undefined`: nothing is there. */
  readonly admin: AdminParts | undefined;
}

export interface App {
  readonly router: Hono<GatewayEnv>;
  /** To be asked first. */
  readonly plainChat: PlainChat;
}

/** The whole surface, in the order in which a request meets it. */
export function createApp({
  ring,
  identity,
  logins,
  rights,
  settings,
  defaultStrategy,
  health: healthParts,
  admin: adminParts,
}: AppParts): App {
  const { log, limiter } = ring.ports;
  const chat = createChatHandler({ ring, identity, settings });
  const ownRoutes = withCallLimit(identity, limiter);
  const app = new Hono<GatewayEnv>({ getPath: sentPath });
  app.onError((error, context) => {
    const { status, headers, body } = errorAnswer(error, context.get("requestId"), log);
    return new Response(body, { status, headers });
  });
  app.notFound((context) => {
    const { status, headers, body } = errorAnswer(unknownRoute(), context.get("requestId"), log);
    return new Response(body, { status, headers });
  });
  app.use(requestId());
  app.use(preflight());
  app.use(unambiguousHeaders());
  app.use(noSessionInQuery());
  // An upstream would send back what it was sent, credentials included.
  app.on("TRACE", "*", () => {
    throw unknownRoute();
  });
  app.route("/", health(healthParts));
  if (adminParts) app.route("/admin", admin(adminParts, settings));
  app.route("/v1/chat/completions", chatCompletions(chat));
  app.route(
    "/v1/sessions",
    sessions({
      identity: ownRoutes,
      defaultStrategy,
      directory: createSessionDirectory(ring),
      idFormat: ring.ports.settings.idFormat,
      limiter,
      settings,
    }),
  );
  app.all("/v1/sessions/*", () => {
    throw new GatewayError("not_found", "no such session route");
  });
  app.route("/v1/me", me({ identity: ownRoutes, rights, audit: ring.ports.audit, settings }));
  app.all("/v1/me/*", () => {
    throw new GatewayError("not_found", "no such route of a user's own");
  });
  if (logins) app.route("/v1", login({ logins, identity, limiter, settings }));
  app.all("/v1/*", passThroughRoute({ ports: ring.ports, identity, settings }));
  return { router: app, plainChat: createPlainChat({ answer: chat, maxBodyBytes: settings.maxBodyBytes, log }) };
}

/** The path as it was sent: with its dot segments folded, a session named `..` would lead to another route. */
function sentPath(request: Request, options?: { env?: GatewayEnv["Bindings"] }): string {
  const url = options?.env?.incoming.url ?? "";
  return url.startsWith("/") ? (url.split("?", 1)[0] ?? url) : new URL(request.url).pathname;
}

const unknownRoute = (): GatewayError => new GatewayError("not_found", "no such route");
