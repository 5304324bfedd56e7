// Which page is shown: the address bar is the only truth.

class Route {
  path = $state(location.pathname);
  query = $state.raw(new URLSearchParams(location.search));

  read(): void {
    this.path = location.pathname;
    this.query = new URLSearchParams(location.search);
  }
}

export const route = new Route();

addEventListener("popstate", () => route.read());

/** Go to an address of the panel. `replace`: without a step in the history. */
export function go(to: string, { replace = false } = {}): void {
  if (to === location.pathname + location.search) return;
  history[replace ? "replaceState" : "pushState"](null, "", to);
  route.read();
}

/** Change words of the query in place; null or "" takes one out. */
export function setQuery(changes: Record<string, string | number | null>, { replace = true } = {}): void {
  const query = new URLSearchParams(route.query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") query.delete(name);
    else query.set(name, String(value));
  }
  const words = query.toString();
  go(route.path + (words ? `?${words}` : ""), { replace });
}

/** For the document: plain clicks on our own links change the page without loading it anew. */
export function followLinks(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
    return;
  const link = (event.target as Element | null)?.closest("a");
  if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
  if (link.pathname.startsWith("/api/")) return;
  event.preventDefault();
  go(link.pathname + link.search);
}
