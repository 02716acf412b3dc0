/** Values that mean something to the running system, by the name of the field that takes them. */
export type KnownValues = Readonly<Record<string, readonly string[]>>;

/** What makes a generated request come further than validation: models that exist, and a decision made for it. */
export async function findKnownValues(routerPort: number): Promise<{ decisionId: string; known: KnownValues }> {
  const response = await fetch(`http://127.0.0.1:${routerPort}/route`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: 'What is the capital of France?' }),
  });
  const { decision_id: decisionId } = (await response.json()) as { decision_id: string };
  const known = {
    // The one whose catalogue entry may change.
    id: ['openai/gpt-5.4-mini', decisionId],
    // Of a provider that is not configured, so that nothing is routed to what is made up here.
    model_id: ['fuzzed'],
    provider: ['nobody'],
    model: ['auto', 'auto:cost', 'signalbox/auto', 'gpt-6-sol', 'openai/gpt-6-luna', 'claude-sonnet-5'],
    decision_id: [decisionId],
  };
  return { decisionId, known };
}
