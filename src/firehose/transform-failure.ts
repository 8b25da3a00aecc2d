// What a transformer tells of a record that it could not answer otherwise.
export interface TransformFailure {
  recordId: string
  /** Index in the event. */
  record: number
  /**
   * `data`: it was no base64, or what was in it cannot be opened. `transform`: the function threw, rejected or gave something else than
   * outputs. `timeout`: the invocation was about to end before the function had answered. `overflow`: the response had no room for it, and
   * nothing else took it.
   */
  reason: 'data' | 'transform' | 'timeout' | 'overflow'
  /** For people; has the message of what the function threw, and nothing of the payload but what that has. */
  message: string
  /** What the function threw. */
  cause?: unknown
}
