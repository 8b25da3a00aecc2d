/** First in, first out, without Array.shift's cost on long queues. */
export interface Queue<T> {
  readonly length: number
  push(item: T): void
  /** The oldest; the queue must not be empty. */
  peek(): T
  shift(): T
}

export function createQueue<T>(): Queue<T> {
  let items: (T | undefined)[] = []
  let head = 0
  return {
    get length() {
      return items.length - head
    },
    push(item) {
      items.push(item)
    },
    peek: () => items[head] as T,
    shift() {
      const item = items[head] as T
      // What has left may be megabytes, which nothing here may hold.
      items[head++] = undefined
      if (head > 1024 && 2 * head > items.length) {
        items = items.slice(head)
        head = 0
      }
      return item
    },
  }
}
