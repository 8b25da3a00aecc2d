/** First in, first out, without Array.shift's cost on long queues. */
export interface Queue<T> {
  readonly length: number
  push(item: T): void
  /** The oldest; the queue must not be empty. */
  peek(): T
  shift(): T
  /** Back to the front. */
  unshift(items: readonly T[]): void
  /** All there is, which is then here no more. */
  clear(): T[]
}

export function createQueue<T>(): Queue<T> {
  let items: T[] = []
  let head = 0
  return {
    get length() {
      return items.length - head
    },
    push(item) {
      items.push(item)
    },
    peek: () => items[head],
    shift() {
      const item = items[head++]
      if (head === items.length || (head > 1024 && 2 * head > items.length)) {
        items = items.slice(head)
        head = 0
      }
      return item
    },
    unshift(more) {
      items = [...more, ...items.slice(head)]
      head = 0
    },
    clear() {
      const all = items.slice(head)
      items = []
      head = 0
      return all
    },
  }
}
