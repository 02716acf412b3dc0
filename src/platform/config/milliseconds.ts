import { z } from 'zod';

/** A setting in milliseconds: up to an hour. */
export const milliseconds = z.int().min(1).max(3_600_000);
