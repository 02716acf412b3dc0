/** What the words of the dashboard mean, for whoever sees them for the first time. */
export const glossary = {
  'Success rate': 'Requests that some model answered, as a share of those that were answered or failed.',
  'First token': 'Time from the request until the first piece of the answer. This is what a reader waits for.',
  'Whole answer': 'Time from the request until the last piece of the answer.',
  p50: 'Half of all answers were faster than this (the median).',
  p95: '95 of 100 answers were faster than this.',
  p99: '99 of 100 answers were faster than this.',
  Spend: 'What the providers charge for all calls, including copies, races and further tries.',
  'Net savings':
    'What the best single model would have cost for the same requests, less everything that was spent on them.',
  'Best single model': 'The one model that would have answered these requests best, had all gone to it.',
  'Quality ratio':
    'Success rate of the choices, divided by that of the best single model on the same requests. 1 means as good.',
  Incident: 'A model in use became worse without a word from its provider.',
  'Waiting events': 'Decisions and outcomes in the queue that are not counted yet.',
  Score:
    'How well a model answers requests of one complexity, from 0 to 5. It starts with the catalogue’s word, then is learned.',
  Complexity: 'How hard a request is (simple, medium or complex), as told by its words. Scores are learned for each.',
  'Query type':
    'What a request is about: simple, technical, research, or multimedia, which means it carries pictures or sound.',
  Confidence: 'How sure the router is of this class, as a probability.',
  Frontier: 'Models that no other beats: none is at least as good for less, or better for as much.',
  Interval: 'The true score lies in here with a probability of 90%.',
  'Effective outcomes': 'How many outcomes the belief rests on. Newer ones count more than older ones.',
  Learned: 'This score follows from outcomes; others are still the catalogue’s word.',
  Attempt: 'One call of one model for a request. If it fails, the next model of the chain is tried.',
  Outcome: 'How an attempt ended. “Under way” means that its end was not told yet.',
  Origin:
    'How a model came to answer: by the policy’s choice (auto), because it was asked for (pinned), after a failure (fallback), and so on.',
  Probability:
    'With which probability this model was to be chosen. Now and then another than the best is tried, to learn.',
  'Believed score':
    'What the newest answers say of the model here, for this provider and kind of request. The choice rests on it.',
  'Prompt shift': 'By how much the model’s chance to answer this very prompt well is believed to differ from its mean.',
  Quality: 'The believed score as a part of the sum: the better, the more.',
  Preference: 'A little for the models that the configuration prefers.',
  Cost: 'What the expected cost takes away.',
  Latency: 'What the expected wait takes away.',
  Affinity: 'A little for the model that the conversation is with already.',
  Total: 'The sum of all terms. The model with the greatest total answers, apart from trials.',
  'Trade-off': 'How much quality counts against cost: 0 is quality alone, 1 is cost alone.',
  'Policy version': 'Names the settings that the choice was made with.',
  Predictor: 'What was learned of prompts: which models answer which kinds of them well.',
  'Held out': 'Choices made without the predictor, so that one can compare.',
  'Drift alarm': 'Evidence that a model suddenly became better or worse. At the threshold its belief is begun anew.',
  'Prior share': 'How much of the belief is still the word of the catalogue.',
  Race: 'Several models are asked the same at once.',
  Lane: 'One model in a race.',
  Agreement: 'Weight of the winning answer as a share of all valid answers.',
  Margin: 'The lead of the winning answer over the next one.',
  'Win rate': 'Of two models that met in races: how often the first one won, of the races that told between them.',
  Rollout:
    'A new model on its way: proposed, compared in copies (shadow), tried by a share of the traffic (canary), promoted.',
  Evidence:
    'Grows as outcomes speak for it. At its bound the step is taken. It may be looked at as often as one likes without harm to its meaning.',
  Harm: 'Evidence that the candidate is worse. At its bound the candidate is rolled back.',
  Safety: 'Evidence that the candidate is not worse by more than the margin. At its bound it may be promoted.',
  'Requests needed': 'About how many more requests, of both models, until the test is passed.',
  Shadow: 'Copies of requests go to the candidate; nobody sees its answers.',
  Canary: 'The candidate answers a share of the conversations.',
  Held: 'It does not advance until it is resumed. Harm still ends it.',
  'Score updates': 'Learned scores are numbered. An instance is up to date once it has applied the newest number.',
  Author:
    'Whose key it was (anybody’s, where none is needed), or which part of Signalbox acted by itself. In brackets: who the client says that it is; nobody has checked that.',
  Budget: 'What a key or team may spend in a period.',
  Leased: 'Held by routers for requests under way and those that come next.',
  Forfeited: 'Held by routers that vanished; counted as spent.',
} as const;

export type Term = keyof typeof glossary;
