// How much each channel of a scene counts in a search: shares that always sum to 1.

export const CHANNELS = ["transcript", "visual", "summary", "lexical", "image"] as const;
export type Channel = (typeof CHANNELS)[number];
export type Weights = Record<Channel, number>;

/** The server's, brought to a sum of 1; pictures count only where a model brings them and words into one space. */
export const USUAL: Weights = { transcript: 0.36, visual: 0.2, summary: 0.08, lexical: 0.16, image: 0.2 };

/** The server's limits: pictures never drown words, and exact words always count a little. */
export const LEAST: Partial<Weights> = { lexical: 0.05 };
export const MOST: Partial<Weights> = { visual: 0.8, image: 0.8 };

/** One channel set to `value`; the others share what is left as they did before. */
export function rebalanced(weights: Weights, channel: Channel, value: number): Weights {
  const held = reserve([channel]);
  const own = Math.min(Math.max(value, LEAST[channel] ?? 0), MOST[channel] ?? 1, 1 - held);
  return spread({ ...weights, [channel]: own }, [channel]);
}

/** Whatever came from elsewhere, brought to a sum of 1 within the limits. */
export function normalised(weights: Partial<Weights>): Weights {
  const given = Object.fromEntries(CHANNELS.map((one) => [one, Math.max(0, weights[one] ?? 0)])) as Weights;
  return spread(CHANNELS.some((one) => given[one] > 0) ? given : USUAL, []);
}

/** Scale all channels but the `fixed` ones so that the sum is 1; those that hit a limit are fixed there. */
function spread(weights: Weights, fixed: readonly Channel[]): Weights {
  const free = CHANNELS.filter((one) => !fixed.includes(one));
  if (!free.length) return weights;
  const left = 1 - sum(weights, fixed);
  const before = sum(weights, free);
  const scaled = { ...weights };
  for (const one of free) scaled[one] = before > 0 ? (weights[one] / before) * left : left / free.length;
  const over = free.find((one) => scaled[one] > (MOST[one] ?? 1) + 1e-9);
  if (over && free.length > 1) return spread({ ...scaled, [over]: MOST[over]! }, [...fixed, over]);
  const under = free.find((one) => scaled[one] < (LEAST[one] ?? 0) - 1e-9);
  if (under && free.length > 1) return spread({ ...scaled, [under]: LEAST[under]! }, [...fixed, under]);
  return scaled;
}

/** What the other channels keep at least. */
function reserve(but: readonly Channel[]): number {
  return CHANNELS.filter((one) => !but.includes(one)).reduce((total, one) => total + (LEAST[one] ?? 0), 0);
}

function sum(weights: Weights, channels: readonly Channel[]): number {
  return channels.reduce((total, one) => total + weights[one], 0);
}
