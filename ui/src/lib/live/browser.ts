/** The world of a connection in a browser: in a page and in a shared worker alike. */

import type { World } from "./connection";

export const BROWSER: World = {
  open: (url) => new EventSource(url),
  ask: async (url) => {
    const answer = await fetch(url, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
    return answer.json();
  },
  later: (seconds, call) => {
    const timer = setTimeout(call, seconds * 1000);
    return () => clearTimeout(timer);
  },
};
