import { describe, expect, test, vi } from "vitest";
import { Pages, type Fetched } from "../src/lib/table/pages";

/** A server that answers when the test says so. */
class Server {
  asked: { offset: number; signal: AbortSignal; answer: (total?: number) => void; fail: (why: Error) => void }[] = [];

  fetch = (offset: number, limit: number, signal: AbortSignal): Promise<Fetched<number>> =>
    new Promise((resolve, reject) => {
      const answer = (total = 100_000) =>
        resolve({ items: Array.from({ length: limit }, (_, row) => offset + row), total });
      this.asked.push({ offset, signal, answer, fail: reject });
    });

  offsets(): number[] {
    return this.asked.map((one) => one.offset);
  }

  async answerAll(): Promise<void> {
    for (const one of this.asked.splice(0)) one.answer();
    await settled();
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

function opened(options: { keep?: number; rest?: number } = {}) {
  const server = new Server();
  const changed = vi.fn();
  return { server, changed, pages: new Pages<number>({ fetch: server.fetch, changed, size: 100, rest: 0, ...options }) };
}

describe("pages", () => {
  test("what is wanted is fetched once, and then there", async () => {
    const { server, changed, pages } = opened();
    pages.want(0, 40);
    pages.want(10, 60);
    expect(server.offsets()).toEqual([0]);
    expect(pages.row(7)).toBeUndefined();
    await server.answerAll();
    expect(pages.row(7)).toBe(7);
    expect(pages.total).toBe(100_000);
    expect(changed).toHaveBeenCalledTimes(1);
    pages.want(20, 80);
    expect(server.asked).toHaveLength(0);
  });

  test("a view over a border needs both pages", async () => {
    const { server, pages } = opened();
    pages.want(180, 220);
    expect(server.offsets()).toEqual([100, 200]);
    await server.answerAll();
    expect([pages.row(199), pages.row(200)]).toEqual([199, 200]);
  });

  test("dragging past gives up what is no longer wanted, and fetches where it rests", async () => {
    const { server, pages } = opened({ rest: 20 });
    pages.want(0, 40);
    for (let row = 1000; row <= 9000; row += 1000) pages.want(row, row + 40);
    expect(server.asked[0]?.signal.aborted).toBe(true);
    expect(server.offsets()).toEqual([0]);
    await vi.waitFor(() => expect(server.offsets()).toEqual([0, 9000]));
  });

  test("an answer that comes after it was given up changes nothing", async () => {
    const { server, changed, pages } = opened();
    pages.want(0, 40);
    pages.want(5000, 5040);
    server.asked[0]?.answer();
    await settled();
    expect(pages.row(0)).toBeUndefined();
    expect(changed).not.toHaveBeenCalled();
  });

  test("pages used longest ago are forgotten, those in view never", async () => {
    const { server, pages } = opened({ keep: 3 });
    for (const row of [0, 100, 200]) {
      pages.want(row, row + 40);
      await server.answerAll();
    }
    pages.want(0, 40);
    pages.want(300, 340);
    await server.answerAll();
    expect(pages.row(100)).toBeUndefined();
    expect([pages.row(0), pages.row(200), pages.row(300)]).toEqual([0, 200, 300]);
  });

  test("a failure is told; trying again fetches", async () => {
    const { server, changed, pages } = opened();
    pages.want(0, 40);
    server.asked.pop()?.fail(new Error("no connection"));
    await settled();
    expect(pages.error).toEqual(new Error("no connection"));
    expect(changed).toHaveBeenCalledTimes(1);
    pages.tryAgain();
    await server.answerAll();
    expect(pages.error).toBeNull();
    expect(pages.row(0)).toBe(0);
  });

  test("refreshing keeps what is shown until it has come anew", async () => {
    const { server, pages } = opened();
    pages.want(0, 40);
    await server.answerAll();
    pages.refresh();
    expect(pages.row(3)).toBe(3);
    expect(server.offsets()).toEqual([0]);
  });

  test("nothing is asked for beyond the end", async () => {
    const { server, pages } = opened();
    pages.want(0, 40);
    server.asked.pop()?.answer(150);
    await settled();
    pages.want(120, 260);
    expect(server.offsets()).toEqual([100]);
  });

  test("a closed one gives up and is silent", async () => {
    const { server, changed, pages } = opened();
    pages.want(0, 40);
    pages.close();
    expect(server.asked[0]?.signal.aborted).toBe(true);
    await server.answerAll();
    expect(changed).not.toHaveBeenCalled();
  });
});
