/** DynamoDB's API from memory, run by the bench as a process of its own: `node dynamo-process.ts PORT`. */
import dynalite from "dynalite";

dynalite({ createTableMs: 0, deleteTableMs: 0 }).listen(Number(process.argv[2]), "127.0.0.1");
process.once("SIGTERM", () => process.exit(0));
