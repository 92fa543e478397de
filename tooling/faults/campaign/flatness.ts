import { mega } from './aftermath.ts'

/** What was measured at one time of a soak: of each worker, and of all of them since the time before. */
export interface Sample {
  readonly workers: readonly WorkerSample[]
  readonly statementsPerJob: number
}

export interface WorkerSample {
  readonly heapBytes: number
  readonly rssBytes: number
  readonly handles: number
}

/**
 * How much more may be there at the end: of what is resident the collector gives back little, and a job in hand has a
 * timer or two, where a leak would have hundreds.
 */
const growth = { heapBytes: 8e6, rssBytes: 32e6, handles: 20 }
const statementsGrowth = 1.25

/** Compares the first third with the last, each by its median: one sample may fall into a collection, or a burst. */
export function compareThirds(samples: readonly Sample[]): { said: string[]; broken: string[] } {
  const third = Math.floor(samples.length / 3)
  if (third === 0) return { said: [], broken: ['there are too few samples'] }
  const said: string[] = []
  const broken: string[] = []
  const compare = (
    what: string,
    of: (sample: Sample) => number | undefined,
    most: (before: number) => number,
    show: (value: number) => string,
  ) => {
    const [before, after] = [medianOf(samples.slice(0, third), of), medianOf(samples.slice(-third), of)]
    const told = `${what}: ${show(before)}, in the end ${show(after)}`
    said.push(told)
    if (!(after <= most(before))) broken.push(`not flat: ${told}`)
  }
  samples[0]?.workers.forEach((_, n) => {
    const grows = (what: string, key: keyof WorkerSample, show: (value: number) => string) =>
      compare(
        `worker ${n + 1}, ${what}`,
        ({ workers }) => workers[n]?.[key],
        (before) => before + growth[key],
        show,
      )
    grows('heap', 'heapBytes', mega)
    grows('resident', 'rssBytes', mega)
    grows('handles', 'handles', String)
  })
  compare(
    'statements a job',
    ({ statementsPerJob }) => statementsPerJob,
    (before) => before * statementsGrowth,
    (value) => value.toFixed(2),
  )
  return { said, broken }
}

function medianOf(samples: readonly Sample[], of: (sample: Sample) => number | undefined): number {
  const values = samples.map(of).filter((value) => value !== undefined)
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
