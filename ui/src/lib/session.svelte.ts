// Who is signed in, and what they prefer.

import { get, onSignedOut, post, Problem, put } from "./api";
import { setLocale } from "./i18n.svelte";
import { go, route } from "./router.svelte";
import { setTheme } from "./theme";
import type { Me, Preferences } from "./types";

class Session {
  /** undefined: not asked yet; null: nobody. */
  me = $state<Me | null | undefined>(undefined);
  /** Why we do not know, when the server cannot be asked. */
  trouble = $state<Problem | null>(null);
  isAdmin = $derived(this.me?.role === "admin");

  async ask(): Promise<void> {
    try {
      this.enter(await get<Me>("/auth/me"));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.status !== 401) this.trouble = error;
    }
  }

  enter(me: Me): void {
    this.trouble = null;
    this.me = me;
    if (me.preferences.locale) setLocale(me.preferences.locale);
    if (me.preferences.theme) setTheme(me.preferences.theme);
  }

  async leave(): Promise<void> {
    await post("/auth/logout");
    this.lost();
  }

  lost(): void {
    this.me = null;
    if (route.path === "/login") return;
    const back = route.path + (route.query.size ? `?${route.query}` : "");
    go(back === "/" ? "/login" : `/login?next=${encodeURIComponent(back)}`, { replace: true });
  }

  /** Keep a preference with the account; the page shows it at once, whether or not the server can be reached. */
  async prefer(changes: Partial<Preferences>): Promise<void> {
    if (!this.me) return;
    const preferences = { ...this.me.preferences, ...changes };
    this.me = { ...this.me, preferences };
    try {
      await put("/auth/preferences", preferences);
    } catch (error) {
      if (!(error instanceof Problem)) throw error; // kept in this browser; the account gets it with the next change
    }
  }
}

export const session = new Session();
onSignedOut(() => session.lost());
