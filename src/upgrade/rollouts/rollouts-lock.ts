/** Whoever holds this lock decides about rollouts; nobody else writes to them. */
export const rolloutsLock = 'rollouts';
