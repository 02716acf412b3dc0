export * from './anthropic.ts';
export * from './api.ts';
export * from './decision.ts';
export * from './event.ts';
export * from './keys.ts';
export * from './model.ts';
export * from './openai.ts';
export * from './query-class.ts';
