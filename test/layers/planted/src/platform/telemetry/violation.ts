import { sdk } from './otlp/sdk.ts';

export const loadedEarly = sdk;
export const loadedLate = () => import('./otlp/sdk.ts');
