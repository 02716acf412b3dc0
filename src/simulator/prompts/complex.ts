import type { DemoPrompt } from './demo-prompt.ts';

/** Problems of several steps in which each depends on the one before. */
export const complexPrompts: readonly DemoPrompt[] = [
  {
    queryType: 'simple',
    complexity: 'complex',
    prompt:
      'Five friends sit in a row. Dora sits in the middle. Eli sits at the left end. Amir sits directly between Eli and Dora. Bea does not sit at an end. Carl takes the seat that is left. Work out step by step who sits at the right end, and justify why no other arrangement is possible.',
    expected: ['Carl'],
    wrong: ['Bea', 'Amir'],
  },
  {
    queryType: 'simple',
    complexity: 'complex',
    prompt:
      'A tank is filled by one pipe in 6 hours and by a second pipe in 4 hours, while a drain empties it in 12 hours. All three are opened on the empty tank. Derive how many hours it takes until the tank is full, explaining every step.',
    expected: ['3 hours', 'three hours'],
    wrong: ['4 hours', '2.4 hours'],
  },
  {
    queryType: 'technical',
    complexity: 'complex',
    prompt:
      'Prove by induction that the sum of the first n odd numbers is a perfect square, state the closed formula, and then use it to compute the sum of the first 25 odd numbers.',
    expected: ['625'],
    wrong: ['650', '600'],
  },
  {
    queryType: 'technical',
    complexity: 'complex',
    prompt:
      'How many ways are there to arrange the letters of the word BANANA so that no two letters A are adjacent? Derive the result step by step, first placing the other letters and then choosing the gaps.',
    expected: ['12'],
    wrong: ['60', '24'],
  },
  {
    queryType: 'technical',
    complexity: 'complex',
    prompt:
      'Analyse the recurrence T(n) = 2 T(n/2) + n log n with T(1) = 1. Explain why the basic form of the master theorem does not settle it, solve it by the recursion tree, and give the tight asymptotic bound.',
    expected: ['n log^2 n', 'n log² n', 'n (log n)^2'],
    wrong: ['n log n', 'n^2'],
  },
  {
    queryType: 'technical',
    complexity: 'complex',
    prompt:
      'Trace this program step by step and determine what it prints. Then explain how memoisation would change its running time.\n```python\ndef f(n):\n    if n < 2:\n        return n\n    return f(n - 1) + 2 * f(n - 2)\n\nprint(f(7))\n```',
    expected: ['43'],
    wrong: ['21', '85'],
  },
  {
    queryType: 'technical',
    complexity: 'complex',
    prompt:
      'Two services update the same account row concurrently at the READ COMMITTED isolation level. Each reads the balance, subtracts its amount in the application and writes the result back. Analyse the interleaving in which money appears from nowhere, give the name of this anomaly, and design two different fixes with their trade-offs.',
    expected: ['lost update'],
    wrong: ['phantom read', 'dirty read'],
  },
  {
    queryType: 'technical',
    complexity: 'complex',
    prompt:
      'Design a distributed rate limiter for an API with ten regions that must never exceed a global limit by more than one percent. Compare the token bucket, the sliding window log and leased quotas, analyse the failure modes when regions are partitioned, and state which consistency property of the CAP theorem you give up when you keep serving during a partition.',
    expected: ['give up consistency'],
    wrong: ['give up availability', 'give up partition tolerance'],
  },
  {
    queryType: 'technical',
    complexity: 'complex',
    prompt:
      'A Bloom filter has m = 1000 bits and k hash functions, and n = 100 keys are inserted. Derive the number of hash functions that minimises the false positive rate from the approximation (1 - e^(-kn/m))^k, and round it to the nearest whole number.',
    expected: ['k = 7', 'seven hash functions'],
    wrong: ['k = 10', 'k = 5'],
  },
  {
    queryType: 'technical',
    complexity: 'complex',
    prompt:
      'Compute the determinant of the matrix [[2, 1, 3], [0, 4, 1], [5, 2, 6]] by cofactor expansion, show every step, and then decide whether the matrix is invertible.',
    expected: ['-11'],
    wrong: ['11', '-7'],
  },
  {
    queryType: 'technical',
    complexity: 'complex',
    prompt:
      'Let X and Y be independent and uniform on [0, 1]. Derive the probability that X + Y is smaller than 1.5 both by geometry and by convolution, and check that the two results agree.',
    expected: ['7/8', '0.875'],
    wrong: ['3/4', '15/16'],
  },
  {
    queryType: 'research',
    complexity: 'complex',
    prompt:
      'A disease affects 1 percent of a population. A test has a sensitivity of 90 percent and a specificity of 91 percent. Derive the probability that a person with a positive result is ill, explain the base rate fallacy, and give the result in percent, rounded to one decimal place.',
    expected: ['9.2 percent', '9.2%', '9.2 %'],
    wrong: ['90.0 percent', '50.3 percent'],
  },
  {
    queryType: 'research',
    complexity: 'complex',
    prompt:
      'Compare the frequentist and the Bayesian interpretation of probability in depth. Analyse how each treats a parameter, discuss the role of the prior, critically evaluate both for sequential experiments that are monitored continuously, and name the inequality that bounds the probability that a non-negative supermartingale ever exceeds a threshold.',
    expected: ["Ville's inequality", 'Ville inequality'],
    wrong: ["Chebyshev's inequality", "Jensen's inequality"],
  },
  {
    queryType: 'research',
    complexity: 'complex',
    prompt:
      'Critically evaluate the evidence on whether minimum wages reduce employment. Discuss the competitive and the monopsony model, summarise the design of the well-known 1994 study of fast-food restaurants, explain its identification strategy and the later criticism, and name the two authors of that study.',
    expected: ['Card and Krueger'],
    wrong: ['Neumark and Wascher', 'Heckman and Sedlacek'],
  },
  {
    queryType: 'research',
    complexity: 'complex',
    prompt:
      'Analyse why the proof that there are infinitely many primes does not show that the product of the first n primes plus one is always prime. Find the smallest n for which that number is composite, give its factorisation, and explain what it means for the argument.',
    expected: ['n = 6', '59 × 509', '59 * 509'],
    wrong: ['n = 5', 'n = 8'],
  },
];
