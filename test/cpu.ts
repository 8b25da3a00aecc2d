/**
 * Milliseconds for which this process has been on a processor. Of tests that hold work to be linear: by the clock they
 * fail when other work shares the cores.
 */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
