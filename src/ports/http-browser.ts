// What bundlers for browsers take in place of http.ts.

/** Nothing: the SDK's own fetch handler keeps connections as the browser does. */
export async function keepAliveHandler(): Promise<object | undefined> {
  return undefined
}
