/**
 * Why a lane of a race was cancelled, where it was because the race was decided without it: it ran and was stopped, or it
 * never had to run. By these, savings are told from lanes that ran out of time or whose client left.
 */
export const stoppedReason = 'the race was decided';
export const notNeededReason = 'not needed';
