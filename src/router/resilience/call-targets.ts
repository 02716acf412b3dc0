/** What a call depends on, each of which can fail by itself. Made once for a step of a chain. */
export interface CallTargets {
  /** Servers and network: `openai`. */
  provider: string;
  /** Whether the key is accepted: `openai#1`. */
  key: string;
  /** One model under one key, for which rate limits hold: `openai/gpt-6-luna#1`. */
  deployment: string;
  /**
   * The model is on trial: its failures count for itself alone, so that they take its provider from nobody, and it has few
   * of its provider's places, so that others find one while it hangs.
   */
  isTrial?: boolean;
}

/** `keyId` is null where the provider has one key only; `modelKey` is `provider/model_id`. */
export function callTargets(provider: string, keyId: string | null, modelKey: string): CallTargets {
  return keyId === null
    ? { provider, key: `${provider}#only`, deployment: modelKey }
    : { provider, key: `${provider}#${keyId}`, deployment: `${modelKey}#${keyId}` };
}
