// The address of the page Similar: what is asked is in it, so that it can be kept and shared.

/** Tracks that one question may start from. */
export const MOST_SEEDS = 20;

export interface Question {
  items: number[];
  /** Tracks to keep away from. */
  not: number[];
  text: string;
  models: string[];
  limit: number;
  diversity: number;
  merge: string;
}

const MERGES = ["fusion", "union", "intersection", "priority"];

export function similarTo(ids: readonly number[]): string {
  return `/similar?${new URLSearchParams(ids.slice(0, MOST_SEEDS).map((id) => ["item", String(id)]))}`;
}

export function read(query: URLSearchParams): Question {
  return {
    items: numbers(query.getAll("item")).slice(0, MOST_SEEDS),
    not: numbers(query.getAll("not")).slice(0, MOST_SEEDS),
    text: (query.get("q") ?? "").slice(0, 2000),
    models: query.getAll("model"),
    limit: within(query.get("count"), 1, 500, 25),
    diversity: within(query.get("diversity"), 0, 1, 0),
    merge: MERGES.includes(query.get("merge") ?? "") ? query.get("merge")! : "fusion",
  };
}

export function write(question: Question): string {
  const query = new URLSearchParams();
  for (const id of question.items) query.append("item", String(id));
  for (const id of question.not) query.append("not", String(id));
  if (question.text) query.set("q", question.text);
  for (const model of question.models) query.append("model", model);
  if (question.limit !== 25) query.set("count", String(question.limit));
  if (question.diversity) query.set("diversity", String(question.diversity));
  if (question.merge !== "fusion") query.set("merge", question.merge);
  const words = query.toString();
  return words ? `/similar?${words}` : "/similar";
}

function numbers(words: readonly string[]): number[] {
  return [...new Set(words.map(Number).filter((id) => Number.isSafeInteger(id) && id > 0))];
}

function within(word: string | null, least: number, most: number, otherwise: number): number {
  const value = Number(word);
  return word === null || word === "" || !Number.isFinite(value) ? otherwise : Math.min(Math.max(value, least), most);
}
