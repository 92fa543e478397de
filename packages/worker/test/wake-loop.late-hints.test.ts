import { describe, expect, it } from 'vitest'
import {
  confirmSoonAfterMs,
  onFound,
  onHint,
  onLookBegan,
  onNothing,
  type WakeState,
} from '../src/wake-loop.ts'
import { at, empty, idle, proven, waitOf } from './wake-states.ts'

describe('the wake-up loop, when hints come behind the read that found what they tell of', () => {
  const hintInVain = (state: WakeState, now: number) =>
    onNothing(onLookBegan(onHint(state, at(now)), now), empty, proven, at(now))
  const find = (count: number) => ({ count, asked: 10, waitedMs: 0 })

  it('sees no peers in them, nor anything forged', () => {
    let state = onFound(onLookBegan(onHint(idle(), at(100)), 100), 101, find(4))
    for (const now of [102, 103, 104]) {
      state = hintInVain(state, now)
      expect(state).toMatchObject({ herdMs: 0, unjustified: 0 })
    }
    // One more than was found.
    expect(hintInVain(state, 105).herdMs).toBeGreaterThan(0)
  })

  it('sees none in those that came while it looked', () => {
    let state = onHint(onLookBegan(onHint(idle(), at(100)), 100), at(100.5))
    state = onFound(state, 101, find(2))
    expect(onNothing(onLookBegan(state, 101), empty, proven, at(102)).herdMs).toBe(0)
  })

  it('sees none in a hint whose job another read found while it looked', () => {
    let state = onHint(onLookBegan(onHint(idle(), at(100)), 100), at(100.5))
    state = onFound(onFound(state, 101, find(1)), 101, find(1))
    expect(onNothing(onLookBegan(state, 101), empty, proven, at(102)).herdMs).toBe(0)
  })

  it('sees some in those that tell of more than was found', () => {
    let state = onHint(onLookBegan(onHint(idle(), at(100)), 100), at(100.5), { count: 3 })
    state = onFound(state, 101, find(2))
    expect(onNothing(onLookBegan(state, 101), empty, proven, at(102)).herdMs).toBeGreaterThan(0)
  })

  it('sees some in one that tells of more than was found before it', () => {
    const state = onFound(onLookBegan(onHint(idle(), at(100)), 100), 101, find(2))
    const hinted = onHint(state, at(102), { count: 3 })
    expect(onNothing(onLookBegan(hinted, 102), empty, proven, at(103)).herdMs).toBeGreaterThan(0)
  })

  it('takes a batch that is read in parts for told of, to its end', () => {
    let state = onHint(idle(), at(100), { count: 30 })
    for (const now of [100, 101, 102]) state = onFound(onLookBegan(state, now), now, find(10))
    state = onNothing(onLookBegan(state, 103), empty, proven, at(103))
    expect(hintInVain(state, 104).herdMs).toBeGreaterThan(0)
  })

  it('expects no more than ten, and none after 50 ms, whatever else was found since', () => {
    let state = onFound(onLookBegan(idle(), 100), 100, find(1000))
    for (let now = 101; now <= 110; now++) state = hintInVain(state, now)
    expect(state.herdMs).toBe(0)
    expect(hintInVain(state, 111).herdMs).toBeGreaterThan(0)

    state = onFound(onLookBegan(idle(), 100), 100, find(10))
    expect(hintInVain(state, 151).herdMs).toBeGreaterThan(0)
    state = onFound(onLookBegan(idle(), 100), 100, find(10))
    state = hintInVain(onFound(onLookBegan(state, 1000), 1000, find(1)), 1001)
    expect(state.herdMs).toBe(0)
    expect(hintInVain(state, 1002).herdMs).toBeGreaterThan(0)
  })

  it('does not go on to look for what an earlier hint told of in vain', () => {
    let state = onHint(idle(), at(100), { count: 5 })
    state = onNothing(onLookBegan(state, 100), empty, proven, at(100))
    state = onFound(onLookBegan(onHint(state, at(3000)), 3000), 3001, find(2))
    expect(state.herdMs).toBe(0)
    expect(hintInVain(state, 3002).herdMs).toBe(0)
  })

  it('still looks again soon after one: it may run ahead of another job', () => {
    const state = onFound(onLookBegan(onHint(idle(), at(100)), 100), 101, find(2))
    expect(waitOf(hintInVain(state, 102), 102)).toBeCloseTo(confirmSoonAfterMs)
  })
})
