/** Microseconds on CLOCK_MONOTONIC, which all processes of a machine share. */
export function microseconds(): number {
  return Number(process.hrtime.bigint() / 1000n)
}
