// Questions to the service: with the key where one was given, with a deadline, and one kind of error.
// The key lives in sessionStorage only: it is gone with the tab.

const STORED = "bertwatch.key";
const DEADLINE = 10_000;

export const key = {
  get: () => sessionStorage.getItem(STORED),
  set: (value) => sessionStorage.setItem(STORED, value),
  forget: () => sessionStorage.removeItem(STORED),
};

// `kind`: "key" (401), "refused" (any other status), "silent" (no answer, or none that can be read).
export class Unanswered extends Error {
  constructor(kind, message, status = null) {
    super(message);
    this.kind = kind;
    this.status = status;
  }
}

export async function ask(path, { method = "GET", accept = "application/json", body = null } = {}) {
  const headers = { Accept: accept };
  const bearer = key.get();
  if (bearer) headers.Authorization = `Bearer ${bearer}`;
  if (body !== null) headers["Content-Type"] = "application/json";
  const options = {
    method,
    body: body === null ? null : JSON.stringify(body),
    headers,
    cache: "no-store",
    credentials: "same-origin",
    signal: AbortSignal.timeout(DEADLINE),
  };
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Unanswered("silent", "The service does not answer.");
  }
  if (response.status === 401) throw new Unanswered("key", "A key is needed.", response.status);
  if (!response.ok) throw new Unanswered("refused", await problem(response), response.status);
  return response;
}

export async function askJson(path, options) {
  const response = await ask(path, options);
  try {
    return { body: await response.json(), date: response.headers.get("Date") };
  } catch {
    throw new Unanswered("silent", "The service's answer broke off, or is not JSON.");
  }
}

// The sentence of an RFC 9457 problem document, where the answer is one.
async function problem(response) {
  const plain = `The service answers with an error (${response.status}).`;
  try {
    const { title, detail } = await response.json();
    return [detail, title].find((text) => typeof text === "string" && text) ?? plain;
  } catch {
    return plain;
  }
}
