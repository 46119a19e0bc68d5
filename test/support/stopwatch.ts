/** ms between two looks at the clock, and what may be missing between them: a timer that is on time. */
const STEP = 10
const SLACK = 5

/**
 * ms since it was made, without those in which the machine did other things than run this process. For limits of time: what is
 * slow because a machine is busy is nobody's fault, and what waits too long still is.
 */
export function stopwatch(): () => number {
  let last = performance.now()
  let lost = 0
  const look = () => {
    const now = performance.now()
    lost += Math.max(0, now - last - STEP - SLACK)
    last = now
  }
  const timer = setInterval(look, STEP).unref()
  const began = last
  return () => {
    look()
    clearInterval(timer)
    return last - began - lost
  }
}
