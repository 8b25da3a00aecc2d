// What a worker thread runs.
export interface WorkerPort {
  post(message: object, transfer?: ArrayBuffer[]): void
  listen(take: (message: unknown) => void): void
}
export function serve(port: WorkerPort): void {
  port.listen((m) => port.post({ echo: m }))
}
