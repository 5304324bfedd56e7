import { describe, expect, test } from "vitest";
import { address } from "../src/lib/api";
import { MOST_SEEDS, read, similarTo, write } from "../src/lib/similar";
import { read as readView } from "../src/lib/table/filters";

describe("addresses of the API", () => {
  test("lists are repeated; what is empty is left out; what is special is written so that it stays one word", () => {
    expect(address("/items", { q: "a&b=c", genre: "", key: null, limit: 0, model: ["x", "y"] })).toBe(
      "/api/v1/items?q=a%26b%3Dc&limit=0&model=x&model=y",
    );
    expect(address("/items")).toBe("/api/v1/items");
  });
});

describe("the page Similar", () => {
  test("its address holds the whole question", () => {
    const question = { items: [3, 8], not: [4], text: "", models: ["muq"], limit: 50, diversity: 0.3, merge: "union" };
    expect(read(new URL(write(question), "http://x").searchParams)).toEqual(question);
  });

  test("what does not fit is left out", () => {
    const query = new URLSearchParams("item=1&item=x&item=-2&item=1&count=99999&diversity=7&merge=drop");
    expect(read(query)).toMatchObject({ items: [1], limit: 500, diversity: 1, merge: "fusion" });
  });

  test("no more tracks than one question may have", () => {
    const many = Array.from({ length: 30 }, (_, index) => index + 1);
    expect(read(new URL(similarTo(many), "http://x").searchParams).items).toHaveLength(MOST_SEEDS);
  });
});

describe("the library's address", () => {
  test("sort, order and page are only what they may be", () => {
    expect(readView(new URLSearchParams("sort=evil&order=up&page=-3"))).toMatchObject({ sort: "artist", order: "asc", page: 1 });
    expect(readView(new URLSearchParams("sort=bpm&order=desc&paged=1&page=7"))).toMatchObject({
      sort: "bpm",
      order: "desc",
      paged: true,
      page: 7,
    });
  });

  test("a state counts only with its model", () => {
    expect(readView(new URLSearchParams("state=failed")).narrowing).toMatchObject({ state: null });
    expect(readView(new URLSearchParams("state=failed&model=muq")).narrowing).toMatchObject({ state: "failed", model: "muq" });
  });
});
