import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

import { createTempFolder, type TempFolder } from "./store-temp-folder.ts";

const run = promisify(execFile);

/** Paths of PEM files: a certificate for loopback, signed by a CA that nobody else knows. */
export interface Certificates {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly remove: TempFolder["remove"];
}

export async function createCertificates(): Promise<Certificates> {
  const folder = await createTempFolder();
  const path = (name: string): string => join(folder.path, name);
  const names = "subjectAltName=IP:127.0.0.1,DNS:localhost";
  const newKey = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const ca = ["-keyout", path("ca.key"), "-out", path("ca.pem"), "-subj", "/CN=Test CA"];
  await run("openssl", [...newKey, ...ca]);
  const signed = [
    "-CA",
    path("ca.pem"),
    "-CAkey",
    path("ca.key"),
    "-addext",
    names,
    "-addext",
    "basicConstraints=CA:FALSE",
  ];
  const server = ["-keyout", path("server.key"), "-out", path("server.pem"), "-subj", "/CN=localhost", ...signed];
  await run("openssl", [...newKey, ...server]);
  return { ca: path("ca.pem"), cert: path("server.pem"), key: path("server.key"), remove: () => folder.remove() };
}

/** Arguments of a `redis-server` that serves TLS at this port and asks clients for a certificate, as it does by default. */
export function tlsSettings({ ca, cert, key }: Certificates, port: number): string[] {
  const files = ["--tls-ca-cert-file", ca, "--tls-cert-file", cert, "--tls-key-file", key];
  return ["--tls-port", String(port), ...files];
}
