import { describe, expect, it } from 'vitest'
import {
  confirmAfterMs,
  confirmSoonAfterMs,
  initialWakeState,
  lookBy,
  nextLook,
  onError,
  onFound,
  onHint,
  onLookBegan,
  onNothing,
  type WakeState,
} from '../src/wake-loop.ts'
import { randoms } from './randoms.ts'
import { at, empty, idle, one, proven, unproven, waitOf } from './wake-states.ts'

describe('the wake-up loop', () => {
  it('reads at once when it starts', () => {
    expect(nextLook(initialWakeState(0), 0)).toEqual({ kind: 'read' })
  })

  it('reads again at once after it found something', () => {
    const state = onFound(onLookBegan(idle(), 10), 10, one)
    expect(nextLook(state, 10)).toEqual({ kind: 'read' })
  })

  it('waits for the poll interval when nothing is due, jittered by a tenth', () => {
    const first = onLookBegan(initialWakeState(0), 0)
    expect(waitOf(onNothing(first, empty, proven, at(0, 0)))).toBeCloseTo(27_000)
    expect(waitOf(onNothing(first, empty, proven, at(0, 1)))).toBeCloseTo(33_000)
  })

  it('looks for a message that somebody keeps locked less and less often, once a second at last', () => {
    const locked = { nextDueInMs: -5, newestId: '1' }
    let state = initialWakeState(0)
    const waits: number[] = []
    let now = 0
    for (let look = 0; look < 7; look++) {
      state = onNothing(onLookBegan(state, now), locked, proven, at(now))
      waits.push(Math.round(waitOf(state, now)))
      now += waitOf(state, now)
    }
    expect(waits).toEqual([75, 150, 300, 600, 1000, 1000, 1000])
    // Whatever is found in between, the next one that is locked is likely to be free soon.
    state = onNothing(onLookBegan(onFound(state, now, one), now), locked, proven, at(now))
    expect(waitOf(state, now)).toBeLessThanOrEqual(75)
  })

  it('polls sooner right after it ran empty, then ever more rarely, where no hint is to be had', () => {
    let state = initialWakeState(0)
    const waits: number[] = []
    let now = 0
    for (let look = 0; look < 7; look++) {
      state = onNothing(onLookBegan(state, now), empty, unproven, at(now))
      waits.push(Math.round(waitOf(state, now)))
      now += waitOf(state, now)
    }
    expect(waits).toEqual([50, 100, 200, 400, 800, 1000, 1000])
  })

  it('waits until the next message is due and not for the poll, by what the database said', () => {
    const next = { nextDueInMs: 1500, newestId: '1' }
    expect(waitOf(idle(proven, next))).toBeCloseTo(1500.5)
  })

  it('looks again soon when something is due that could not be read, because a peer holds it', () => {
    expect(waitOf(idle(proven, { nextDueInMs: -3, newestId: '1' }))).toBe(75)
  })

  it('follows a hint at once, and when it finds nothing with a look soon after and one later', () => {
    let state = onHint(idle(), at(100))
    expect(waitOf(state, 100)).toBe(0)
    state = onNothing(onLookBegan(state, 100), empty, proven, at(100))
    expect(waitOf(state, 100)).toBeCloseTo(confirmSoonAfterMs)
    const soon = 100 + confirmSoonAfterMs
    state = onNothing(onLookBegan(state, soon), empty, proven, at(soon))
    expect(soon + waitOf(state, soon)).toBeCloseTo(100 + confirmAfterMs)
    const late = 100 + confirmAfterMs
    state = onNothing(onLookBegan(state, late), empty, proven, at(late))
    expect(waitOf(state, late)).toBeGreaterThan(20_000)
  })

  it('follows a hint with one more look only where peers have been faster', () => {
    const hinted = onHint({ ...idle(), herdMs: 10 }, at(100))
    const lookAt = 100 + waitOf(hinted, 100)
    const state = onNothing(onLookBegan(hinted, lookAt), empty, proven, at(lookAt))
    expect(lookAt + waitOf(state, lookAt)).toBeCloseTo(100 + confirmAfterMs)
  })

  it('reads at once after a hint that ran ahead of its job: that was nobody’s fault', () => {
    let state = onHint(idle(), at(100))
    state = onNothing(onLookBegan(state, 100), empty, proven, at(100))
    state = onFound(onLookBegan(state, 110), 110, one)
    state = onNothing(onLookBegan(state, 111), { nextDueInMs: null, newestId: '1' }, proven, at(111))
    state = onNothing(onLookBegan(state, 400), { nextDueInMs: null, newestId: '1' }, proven, at(400))
    const next = onHint(state, at(500))
    expect(nextLook(next, 500)).toEqual({ kind: 'read' })
  })

  it('holds it against nobody when a single hint found nothing', () => {
    let state = onHint(idle(), at(0))
    state = onNothing(onLookBegan(state, 0), empty, proven, at(0))
    state = onHint(state, at(1000))
    expect(waitOf(state, 1000)).toBeLessThan(2)
  })

  it('does not sleep over a hint that came while it looked', () => {
    const looking = onLookBegan(idle(), 1000)
    const hinted = onHint(looking, at(1001))
    const state = onNothing(hinted, empty, proven, at(1002))
    expect(waitOf(state, 1002)).toBeLessThan(150)
  })

  it('looks when a hint says that something will be due, and once soon, because only the database knows when', () => {
    expect(waitOf(onHint(idle(), at(0), { dueInMs: 100 }))).toBeCloseTo(100.5)
    // Where peers have been faster, they spread.
    expect(waitOf(onHint({ ...idle(), herdMs: 10 }, at(0), { dueInMs: 100 }))).toBeCloseTo(112.5)
    const state = onHint(idle(), at(0), { dueInMs: 5000 })
    expect(waitOf(state)).toBe(confirmAfterMs)
    const told = onNothing(onLookBegan(state, 300), { nextDueInMs: 4700, newestId: '1' }, proven, at(300))
    expect(waitOf(told, 300)).toBeCloseTo(4700.5)
  })

  it('forgets that peers were faster when they are no more', () => {
    let state: WakeState = { ...idle(), herdMs: 64 }
    let now = 10_000
    for (let job = 0; job < 8; job++) {
      state = onHint(state, at(now))
      for (;;) {
        now += waitOf(state, now)
        const look = nextLook(state, now)
        state = onLookBegan(state, now)
        if (look.kind === 'read') break
        state = onNothing(state, { nextDueInMs: -1, newestId: String(job) }, proven, at(now))
      }
      state = onNothing(onLookBegan(onFound(state, now, one), now), empty, proven, at(now))
      now += 1000
      state = onNothing(onLookBegan(state, now), empty, proven, at(now))
    }
    expect(state.herdMs).toBeLessThan(1)
  })

  it('takes a hint that is only said again for no sign of peers, job after job', () => {
    let state = idle()
    for (let now = 10_000; now < 20_000; now += 200) {
      state = onHint(state, at(now))
      expect(waitOf(state, now)).toBe(0)
      state = onNothing(onLookBegan(onFound(onLookBegan(state, now), now, one), now), empty, proven, at(now))
      const again = now + 100
      state = onHint(state, at(again), { repeated: true })
      expect(waitOf(state, again)).toBe(0)
      state = onNothing(onLookBegan(state, again), empty, proven, at(again))
    }
    expect(state.herdMs).toBe(0)
  })

  it('holds repeated hints back like any other, where hints keep finding nothing', () => {
    let state = idle()
    let looks = 0
    for (let now = 10_000; now < 20_000; now += 5) {
      state = onHint(state, at(now), { repeated: now % 10 === 0 })
      if (nextLook(state, now).kind === 'wait') continue
      looks++
      state = onNothing(onLookBegan(state, now), empty, proven, at(now))
    }
    expect(looks).toBeLessThan(20)
  })

  it('trusts hints that come at leisure, though peers were always faster', () => {
    let state = idle()
    for (let now = 10_000; now < 100_000; now += 3000) {
      state = onHint(state, at(now))
      expect(waitOf(state, now)).toBeLessThanOrEqual(100)
      const lookAt = now + waitOf(state, now)
      state = onNothing(onLookBegan(state, lookAt), empty, proven, at(lookAt))
    }
  })

  it('looks about once a second, and no less, when hints keep finding nothing', () => {
    let state = idle()
    let now = 0
    const waits: number[] = []
    for (let forged = 0; forged < 12; forged++) {
      state = onHint(state, at(now))
      waits.push(waitOf(state, now))
      now += waitOf(state, now)
      state = onNothing(onLookBegan(state, now), empty, proven, at(now))
    }
    const last = waits.slice(-4)
    expect(last.reduce((sum, wait) => sum + wait, 0)).toBeGreaterThanOrEqual(3900)
    expect(Math.max(...last)).toBeLessThanOrEqual(2000)
  })

  it('looks about twice a second when hints keep naming a time to come that is none', () => {
    let state = idle()
    let looks = 0
    for (let now = 10_000; now < 15_000; now++) {
      state = onHint(state, at(now), { dueInMs: 1 + (now % 50) })
      if (nextLook(state, now).kind === 'wait') continue
      looks++
      state = onNothing(onLookBegan(state, now), empty, proven, at(now))
    }
    expect(looks).toBeGreaterThan(3)
    expect(looks).toBeLessThanOrEqual(10)
  })

  it('trusts hints again after one that brought a new message, even one not due yet', () => {
    let state = { ...idle(), unjustified: 7 }
    state = onHint(state, at(5000))
    const now = 5000 + waitOf(state, 5000)
    state = onNothing(onLookBegan(state, now), { nextDueInMs: 60_000, newestId: '9' }, proven, at(now))
    expect(state.unjustified).toBe(0)
  })

  it('allows two looks that find nothing at once, then forty a second', () => {
    let state = idle()
    let looks = 0
    for (let now = 10_000; now < 11_000; now++) {
      // A flood of reasons to look that the loop does trust.
      state = lookBy(state, now)
      if (nextLook(state, now).kind === 'wait') continue
      looks++
      state = onNothing(onLookBegan(state, now), empty, proven, at(now))
    }
    expect(looks).toBeLessThanOrEqual(43)
    expect(looks).toBeGreaterThan(30)
  })

  it('backs off after errors, jittered, to five seconds at most, and hints do not shorten it', () => {
    let state = idle()
    for (let failure = 0; failure < 12; failure++) {
      state = onError(state, at(0, 1))
      const wait = waitOf(state)
      expect(wait).toBeGreaterThanOrEqual(200)
      expect(wait).toBeLessThanOrEqual(5000)
      expect(waitOf(onHint(state, at(0)))).toBe(wait)
    }
    expect(waitOf(state)).toBe(5000)
    expect(waitOf(onFound(state, 5000, one), 5000)).toBe(0)
  })
})

describe('hints', () => {
  const look = (state: WakeState, now: number, found: boolean) => {
    const looking = onLookBegan(state, now)
    return found ? onFound(looking, now, one) : onNothing(looking, empty, proven, at(now))
  }

  it('are not wanted once most reads have found messages for a second', () => {
    let state = initialWakeState(0)
    for (let now = 0; now < 1000; now += 20) {
      state = look(state, now, now % 200 !== 0)
      expect(state.wanted).toBe(true)
    }
    expect(look(state, 1021, true).wanted).toBe(false)
  })

  it('are wanted at 500 jobs a second, and no job waits for more than a few looks', () => {
    const random = randoms(1)
    let state = initialWakeState(0)
    let sentAt = 0
    /** Visible and not taken, since when; and hints on their way. */
    let ready: number[] = []
    let hints: number[] = []
    const waits: number[] = []
    const goOnUntil = (time: number) => {
      for (; sentAt <= time; sentAt += 4 * random()) {
        ready.push(sentAt)
        hints.push(sentAt + 5 * random())
      }
      for (const hint of hints.filter((due) => due <= time)) state = onHint(state, at(hint))
      hints = hints.filter((due) => due > time)
    }
    for (let now = 0; now < 10_000; ) {
      state = onLookBegan(state, now)
      goOnUntil(now + random())
      const found = ready.map((since) => now - since)
      ready = []
      waits.push(...found)
      now += 1 + random()
      goOnUntil(now)
      state =
        found.length > 0
          ? onFound(state, now, { count: found.length, asked: 10, waitedMs: 0 })
          : onNothing(state, empty, proven, at(now))
      expect(state.wanted).toBe(true)
      for (; waitOf(state, now) > 0; now += 0.5) goOnUntil(now + 0.5)
    }
    expect(waits.length).toBeGreaterThan(4000)
    expect(Math.max(...waits)).toBeLessThan(10)
  })

  it.each([
    [1, 1, true],
    [1, 10, false],
    [2, 10, true],
  ])('%i messages of %i asked for are plenty: %s', (count, asked, plenty) => {
    const { scantShare } = onFound(initialWakeState(0), 0, { count, asked, waitedMs: 0 })
    expect(scantShare < 1).toBe(plenty)
  })

  const flowing = { ...initialWakeState(0), flowingSince: 0, scantShare: 0, wanted: false }

  it('are wanted again when three reads in quick succession found nothing', () => {
    let state = look(flowing, 2000, false)
    expect(waitOf(state, 2000)).toBe(5)
    expect(look(state, 2005, true).wanted).toBe(false)
    state = look(state, 2005, false)
    expect(state.wanted).toBe(false)
    const now = 2005 + waitOf(state, 2005)
    expect(now).toBeLessThan(2035)
    state = look(state, now, false)
    expect(state.wanted).toBe(true)
    expect(waitOf(state, now)).toBeGreaterThan(20_000)
  })

  it('are wanted again when jobs come one by one', () => {
    let state: WakeState = flowing
    let now = 2000
    for (; !state.wanted && now < 3000; now += 10) state = look(look(state, now, true), now + 1, false)
    expect(now).toBeLessThan(2500)
  })

  it('are wanted while jobs come one by one, however many', () => {
    let state = initialWakeState(0)
    for (let now = 0; now < 10_000; now += 50) {
      state = look(look(state, now, true), now + 1, false)
      expect(state.wanted).toBe(true)
    }
  })

  it('are wanted again after an error', () => {
    expect(onError(flowing, at(2000)).wanted).toBe(true)
  })
})
