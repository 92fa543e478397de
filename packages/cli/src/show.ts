/** A duration as a person reads it: `3.1 ms`, `47 ms`, `1.2 s`, `4 min 53 s`, `2 h 5 min`, `3 d 4 h`. */
export function duration(valueMs: number): string {
  const value = Math.max(valueMs, 0)
  if (value < 9.95) return `${value.toFixed(1)} ms`
  if (value < 999.5) return `${Math.round(value)} ms`
  if (value < 59_950) return `${(value / 1000).toFixed(value < 9950 ? 1 : 0)} s`
  const total = Math.round(value / 1000)
  const [days, hours, minutes] = [
    Math.floor(total / 86_400),
    Math.floor(total / 3600) % 24,
    Math.floor(total / 60) % 60,
  ]
  if (days > 0) return `${days} d ${hours} h`
  if (hours > 0) return `${hours} h ${minutes} min`
  return `${minutes} min ${total % 60} s`
}

/** `1,234,567` */
export const count = (value: number): string => value.toLocaleString('en-US')

/** `1 message`, `1,200 messages`. */
export const counted = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`

/** `2026-11-23 17:05:09`, in the local zone, as `--at` takes it. */
export function localTime(epochMs: number): string {
  const date = new Date(epochMs)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}
