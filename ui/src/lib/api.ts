// The one door to the server: JSON in, JSON out, every failure a Problem.

export const API = "/api/v1";

export interface Fault {
  at: string;
  problem: string;
}

/** What the server answered instead: `status` 0 means that it could not be reached. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly cure = "",
    readonly fields: readonly Fault[] = [],
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(message);
    this.name = "Problem";
  }
}

type Word = string | number | boolean;
/** A list is repeated (`model=a&model=b`); null, undefined and "" are left out. */
export type Query = Record<string, Word | null | undefined | readonly Word[]>;

export interface Options {
  signal?: AbortSignal;
}

let signedOut: () => void = () => {};

/** Called at every 401, except from signing in itself. */
export function onSignedOut(handler: () => void): void {
  signedOut = handler;
}

export function get<T>(path: string, query?: Query, options?: Options): Promise<T> {
  return ask<T>("GET", address(path, query), undefined, options);
}

export function post<T>(path: string, body?: unknown, options?: Options): Promise<T> {
  return ask<T>("POST", address(path), body, options);
}

export function put<T>(path: string, body: unknown, options?: Options): Promise<T> {
  return ask<T>("PUT", address(path), body, options);
}

export function patch<T>(path: string, body: unknown, options?: Options): Promise<T> {
  return ask<T>("PATCH", address(path), body, options);
}

export function del<T = void>(path: string, options?: Options): Promise<T> {
  return ask<T>("DELETE", address(path), undefined, options);
}

/** Send a file as it is. */
export function upload<T>(path: string, file: Blob): Promise<T> {
  return ask<T>("POST", address(path), file);
}

/** Ask for a file and let the browser save it. */
export async function save(path: string, body: unknown, name: string): Promise<void> {
  const answer = await answered("POST", address(path), body);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** The full address of a path below the API; for `src` and `href` as well. */
export function address(path: string, query: Query = {}): string {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const word of Array.isArray(value) ? (value as readonly Word[]) : [value as Word | null | undefined]) {
      if (word !== null && word !== undefined && word !== "") words.append(name, String(word));
    }
  }
  const asked = words.toString();
  return `${API}${path}${asked ? `${path.includes("?") ? "&" : "?"}${asked}` : ""}`;
}

/** Whether the request was given up by ourselves. */
export function isAborted(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

async function ask<T>(method: string, url: string, body?: unknown, options?: Options): Promise<T> {
  const answer = await answered(method, url, body, options);
  if (answer.status === 204) return undefined as T;
  return (await answer.json()) as T;
}

async function answered(method: string, url: string, body?: unknown, options: Options = {}): Promise<Response> {
  const request: RequestInit = { method, headers: { Accept: "application/json" }, ...options };
  if (body !== undefined) {
    const type = body instanceof Blob ? body.type || "application/octet-stream" : "application/json";
    request.headers = { ...request.headers, "Content-Type": type };
    request.body = body instanceof Blob ? body : JSON.stringify(body);
  }
  let answer: Response;
  try {
    answer = await fetch(url, request);
  } catch (error) {
    if (isAborted(error)) throw error;
    throw new Problem(0, "unreachable", "unreachable");
  }
  if (answer.ok) return answer;
  const problem = await problemOf(answer);
  if (answer.status === 401 && !url.startsWith(`${API}/auth/login`)) signedOut();
  throw problem;
}

async function problemOf(answer: Response): Promise<Problem> {
  const wait = Number(answer.headers.get("Retry-After"));
  const retryAfter = Number.isFinite(wait) && wait > 0 ? wait : null;
  try {
    const told = (await answer.json()) as { code?: string; message?: string; cure?: string; fields?: Fault[] };
    return new Problem(
      answer.status,
      told.code ?? "http_error",
      told.message ?? answer.statusText,
      told.cure ?? "",
      told.fields ?? [],
      retryAfter,
    );
  } catch {
    // a proxy's own error page, not our server's answer
    return new Problem(answer.status, "http_error", `${answer.status} ${answer.statusText}`.trim(), "", [], retryAfter);
  }
}
