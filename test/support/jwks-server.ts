import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { exportJWK, generateKeyPair, SignJWT } from "jose";

export interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: Awaited<ReturnType<typeof generateKeyPair>>["privateKey"];
  readonly publicJwk: Record<string, unknown>;
}

export async function createSigningKey(kid: string, alg = "ES256"): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: "sig" } };
}

export const ISSUER = "https://id.example.com/";
export const AUDIENCE = "stategate";

/** A token as an identity provider would sign it; `undefined` takes a claim out. */
export function signToken(
  key: SigningKey,
  claims: Readonly<Record<string, unknown>> = {},
  header: object = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const all = { iss: ISSUER, aud: AUDIENCE, sub: "ada", iat: now, exp: now + 600, ...claims };
  return new SignJWT(all)
    .setProtectedHeader({ alg: key.alg, kid: key.kid, ...header })
    .sign(key.privateKey, { crit: { "x-unknown": true } });
}

export interface JwksServer {
  readonly url: string;
  /** How often the keys were asked for. */
  readonly fetches: number;
  publish(...keys: readonly SigningKey[]): void;
  /** Answers 503 from now on, or no more. */
  fail(fails: boolean): void;
  close(): Promise<void>;
}

/** Where an identity provider shows its public keys. */
export async function startJwksServer(...published: readonly SigningKey[]): Promise<JwksServer> {
  let keys = published;
  let fails = false;
  let fetches = 0;
  const server = createServer((_request, response) => {
    fetches += 1;
    response.writeHead(fails ? 503 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify({ keys: keys.map(({ publicJwk }) => publicJwk) }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`,
    get fetches() {
      return fetches;
    },
    publish: (...now) => void (keys = now),
    fail: (value) => void (fails = value),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
