import chromium from '@sparticuz/chromium';

/** A program of its own, since its package unpacks to where this process's environment says, and only once. */
await chromium.executablePath();
