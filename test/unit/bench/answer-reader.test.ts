import { describe, expect, it } from "vitest";

import { type AnswerReader, createAnswerReader } from "../../../bench/load/answer-reader.ts";

const withLength = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\nabcd";
const empty = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
const chunked = "HTTP/1.1 500 Oh\r\ntransfer-encoding: chunked\r\n\r\n8\r\nx\r\n\r\n10\n\r\n5\r\nabcd0\r\n0\r\n\r\n";

function statusAfter(reader: AnswerReader, pieces: readonly Buffer[]): number {
  const states = pieces.map((piece) => reader.push(piece));
  expect(states.indexOf("complete")).toBe(pieces.length - 1);
  return reader.takeStatus();
}

describe("the load generator's answer reader", () => {
  it("finds the end of one answer after another, wherever the pieces are cut", () => {
    for (const size of [1, 2, 3, 5, 7, 1_000]) {
      const reader = createAnswerReader();
      const statuses = [withLength, chunked, empty, chunked, withLength].map((answer) => {
        const count = Math.ceil(answer.length / size);
        const pieces = Array.from({ length: count }, (_, index) => answer.slice(index * size, (index + 1) * size));
        return statusAfter(
          reader,
          pieces.map((piece) => Buffer.from(piece)),
        );
      });
      expect(statuses).toEqual([200, 500, 404, 500, 200]);
    }
  });

  it("refuses an answer whose end only its connection would tell", () => {
    expect(() => createAnswerReader().push(Buffer.from("HTTP/1.1 200 OK\r\n\r\n"))).toThrow("without length");
  });
});
