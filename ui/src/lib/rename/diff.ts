// Where two names differ: the words that only one of them has.

export interface Part {
  text: string;
  /** Whether the other name has it too. */
  same: boolean;
}

/** Names are short; beyond this many words each, all between the common ends is taken for different. */
const MOST_WORDS = 200;

/** The old and the new name in parts, whose texts joined give the names again. */
export function differing(before: string, after: string): { before: Part[]; after: Part[] } {
  const sides = [words(before), words(after)] as const;
  const [old, now] = [sides[0].filter(isWord), sides[1].filter(isWord)];
  const start = commonStart(old, now);
  const end = commonStart(old.slice(start).reverse(), now.slice(start).reverse());
  const middle = [old.slice(start, old.length - end), now.slice(start, now.length - end)] as const;
  const kept = middle[0].length > MOST_WORDS || middle[1].length > MOST_WORDS ? [] : common(...middle);
  const shared = (of: readonly string[], inMiddle: readonly number[]) => {
    const places = inMiddle.map((at) => start + at);
    return new Set([...of.keys()].filter((at) => at < start || at >= of.length - end || places.includes(at)));
  };
  return {
    before: joined(sides[0], shared(old, kept.map(([a]) => a))),
    after: joined(sides[1], shared(now, kept.map(([, b]) => b))),
  };
}

/** Words, numbers, and each sign for itself: marks that begin in the middle of a word are hard to read. */
function words(name: string): string[] {
  return name.match(/\p{L}[\p{L}\p{M}]*|\p{N}+|./gsu) ?? [];
}

/** A space is nothing that two names share: it is marked between two words that are. */
const isWord = (text: string) => text !== " ";

function commonStart(one: readonly string[], other: readonly string[]): number {
  const most = Math.min(one.length, other.length);
  for (let at = 0; at < most; at++) if (one[at] !== other[at]) return at;
  return most;
}

/** Pairs of places of a longest common subsequence. */
function common(one: readonly string[], other: readonly string[]): [number, number][] {
  const width = other.length + 1;
  const lengths = new Uint16Array((one.length + 1) * width);
  for (let a = one.length - 1; a >= 0; a--)
    for (let b = other.length - 1; b >= 0; b--)
      lengths[a * width + b] =
        one[a] === other[b]
          ? lengths[(a + 1) * width + b + 1]! + 1
          : Math.max(lengths[(a + 1) * width + b]!, lengths[a * width + b + 1]!);
  const pairs: [number, number][] = [];
  for (let a = 0, b = 0; a < one.length && b < other.length; ) {
    if (one[a] === other[b]) pairs.push([a++, b++]);
    else if (lengths[(a + 1) * width + b]! >= lengths[a * width + b + 1]!) a++;
    else b++;
  }
  return pairs;
}

function joined(all: readonly string[], shared: ReadonlySet<number>): Part[] {
  const order = all.map((text, at) => (isWord(text) ? all.slice(0, at).filter(isWord).length : -1));
  const isSame = (at: number, step: number): boolean => {
    for (let near = at; near >= 0 && near < all.length; near += step) if (order[near]! >= 0) return shared.has(order[near]!);
    return false;
  };
  const parts: Part[] = [];
  all.forEach((text, at) => {
    const same = isSame(at, 1) || isSame(at, -1);
    const last = parts.at(-1);
    if (last?.same === same) last.text += text;
    else parts.push({ text, same });
  });
  return parts;
}
