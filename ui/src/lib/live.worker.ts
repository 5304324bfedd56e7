/// <reference lib="webworker" />
/**
 * One stream of events for all tabs: a browser opens six connections to a server at most, and each tab would hold one.
 *
 * A tab says `enter` with the name of who is signed in, and `leave` when it goes; it hears the whole state after each
 * change. The stream is closed while no tab is there, and begins anew when somebody else has signed in.
 */

import { BROWSER } from "./live/browser";
import { Connecting } from "./live/connection";

export type Word = { say: "enter"; who: string } | { say: "leave" };

const tabs = new Set<MessagePort>();
let who = "";
const connection = new Connecting(BROWSER, (live) => {
  for (const tab of tabs) tab.postMessage(live);
});

function enter(tab: MessagePort, name: string): void {
  if (name !== who) {
    tabs.clear(); // the other tabs' session is gone with the cookie; they enter again when they learn of it
    connection.reset();
    who = name;
  }
  tabs.add(tab);
  tab.postMessage(connection.state);
  if (connection.state.connection === "off") connection.start();
}

function leave(tab: MessagePort): void {
  tabs.delete(tab);
  if (!tabs.size) connection.stop();
}

(self as unknown as SharedWorkerGlobalScope).onconnect = ({ ports }) => {
  const tab = ports[0]!;
  tab.onmessage = ({ data }: MessageEvent<Word>) => (data.say === "enter" ? enter(tab, data.who) : leave(tab));
};
