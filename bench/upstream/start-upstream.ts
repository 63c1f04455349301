import { fileURLToPath } from "node:url";

import { openConnection } from "../load/http-connection.ts";
import { findFreePort } from "../rig/free-port.ts";
import type { ProcessGroup } from "../rig/process-group.ts";
import { waitUntilReady } from "../rig/wait-until-ready.ts";
import type { ReplyForm } from "./canned-replies.ts";

export interface UpstreamProcess {
  readonly port: number;
  /** Resolves once every later request is answered in this form. */
  answerWith(form: ReplyForm): Promise<void>;
}

const SCRIPT = fileURLToPath(new URL("./bare-upstream.ts", import.meta.url));

export async function startUpstream(processes: ProcessGroup): Promise<UpstreamProcess> {
  const port = await findFreePort();
  const name = "upstream";
  const process_ = processes.start({ name, command: [process.execPath, SCRIPT, String(port)] });
  await waitUntilReady({ name, process: process_, port, path: "/" });
  return {
    port,
    async answerWith(form) {
      const body = JSON.stringify(form);
      const connection = await openConnection(port);
      await connection.send(
        Buffer.from(`PUT /_form HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`),
      );
      connection.close();
    },
  };
}
