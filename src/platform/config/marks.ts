/** Marks a setting that a running process does not take over. */
export const atRestart = { restart: true };
/** Marks a setting that is never shown. */
export const secret = { secret: true };
