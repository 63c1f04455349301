import type { UserRights, UserSummary } from "../users/user-rights.ts";

export const showUser = ({ id, sessions }: UserSummary) => ({ id, object: "user", sessions });

export const showReceipt = ({ receipt, publicKey, signature }: Awaited<ReturnType<UserRights["erase"]>>) => ({
  receipt,
  public_key: publicKey,
  signature,
});
