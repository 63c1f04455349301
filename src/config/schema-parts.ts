import { z } from "zod";

import { Secret } from "../kit/secret.ts";

export const count = () => z.int().positive();

/** As much as a timer of Node takes. */
export const milliseconds = () => z.int().positive().max(2_147_483_647);

export const toSecret = (value: string): Secret => new Secret(value);
