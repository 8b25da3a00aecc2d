/** First in, first out, without Array.shift's cost on long queues. */
export interface Queue<T> {
  readonly length: number
  push(item: T): void
  /** The oldest; the queue must not be empty. */
  peek(): T
  shift(): T
  /** Back to where they were taken from, in their order. */
  unshift(items: readonly T[]): void
  /** All of them, which then wait here no more. */
  clear(): T[]
}

export function createQueue<T>(): Queue<T> {
  let items: (T | undefined)[] = []
  let head = 0
  const rest = () => items.slice(head) as T[]
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
      // What has left is not to be held until the array is cut: a thousand batches may have by then.
      items[head++] = undefined
      if (head === items.length || (head > 1024 && 2 * head > items.length)) {
        items = rest()
        head = 0
      }
      return item
    },
    unshift(back) {
      items = [...back, ...rest()]
      head = 0
    },
    clear() {
      const all = rest()
      items = []
      head = 0
      return all
    },
  }
}
