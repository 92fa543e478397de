import type { CampaignResult } from './run-campaign.ts'

/** The numbers of a run, for people. */
export function reportOf(result: CampaignResult): string {
  const lines: [string, string | number][] = [
    ['faults', result.strikes === 0 ? 0 : `${result.strikes}, of which ${result.bit} bit`],
    ['sent', result.sent],
    ['outcome unknown', `${result.unknown}, of which ${result.unknownButThere} had been sent`],
    ['refused', result.refused],
    ['worked', result.worked],
    ['dead-lettered', result.deadLettered],
    ['still queued', result.stillQueued],
    ['worked twice', result.duplicates],
    ...result.explanations.map(({ fault, repeats, inHand }): [string, string] => [
      '',
      `${repeats} of ${inHand} in hand: ${fault.name}`,
    ]),
    ['interrupted runs', result.interrupted],
    ['longest wait', `${(result.longestWaitMs / 1000).toFixed(1)} s`],
    ['empty after', `${(result.healedMs / 1000).toFixed(1)} s without faults`],
    ['workers at the end', result.memory.join('; ')],
    ...(result.flat ?? []).map((line): [string, string] => ['', line]),
  ]
  const numbers = lines.map(([name, value]) => `${name.padEnd(20)} ${value}`)
  const verdict =
    result.broken.length === 0
      ? ['every promise was kept']
      : ['BROKEN:', ...result.broken.map((line) => `- ${line}`)]
  return ['', ...numbers, '', ...verdict].join('\n')
}
