import type { DemoPrompt } from './demo-prompt.ts';

/** Questions that need a few steps: short calculations, reading code, a comparison. */
export const mediumPrompts: readonly DemoPrompt[] = [
  {
    queryType: 'simple',
    complexity: 'medium',
    prompt: 'A train leaves at 14:35 and arrives at 17:10. How many minutes does the journey take? Explain the steps.',
    expected: ['155'],
    wrong: ['145', '165'],
  },
  {
    queryType: 'simple',
    complexity: 'medium',
    prompt:
      'A jacket costs 80 dollars and is reduced by 25 percent, then by another 10 percent. What is the final price in dollars? Show your working.',
    expected: ['54'],
    wrong: ['52', '56'],
  },
  {
    queryType: 'simple',
    complexity: 'medium',
    prompt: 'If three pens cost 4.50 euros, how many pens can I buy with 21 euros? Explain how you get there.',
    expected: ['14'],
    wrong: ['12', '15'],
  },
  {
    queryType: 'simple',
    complexity: 'medium',
    prompt:
      'Anna is twice as old as Ben. In six years their ages will add up to 48. How old is Anna today? Explain your reasoning.',
    expected: ['24'],
    wrong: ['22', '26'],
  },
  {
    queryType: 'simple',
    complexity: 'medium',
    prompt:
      'A rectangle has a perimeter of 36 cm and is twice as long as it is wide. What is its area in square centimetres?',
    expected: ['72'],
    wrong: ['64', '81'],
  },
  {
    queryType: 'technical',
    complexity: 'medium',
    prompt:
      'What does this Python code print, and why?\n```python\nvalues = [1, 2, 3, 4]\nprint(sum(v * v for v in values if v % 2 == 0))\n```',
    expected: ['20'],
    wrong: ['30', '10'],
  },
  {
    queryType: 'technical',
    complexity: 'medium',
    prompt: 'What does this JavaScript log, and why?\n```js\nconsole.log([10, 9, 1].sort().join(","));\n```',
    expected: ['1,10,9'],
    wrong: ['1,9,10', '10,9,1'],
  },
  {
    queryType: 'technical',
    complexity: 'medium',
    prompt:
      'Explain the time complexity of binary search on a sorted array of n elements, and state it in big-O notation.',
    expected: ['O(log n)'],
    wrong: ['O(n)', 'O(n log n)'],
  },
  {
    queryType: 'technical',
    complexity: 'medium',
    prompt: 'In SQL, which clause filters the groups that GROUP BY produces, and how does it differ from WHERE?',
    expected: ['HAVING clause'],
    wrong: ['ORDER BY clause', 'DISTINCT clause'],
  },
  {
    queryType: 'technical',
    complexity: 'medium',
    prompt: 'How many usable host addresses does the IPv4 subnet 192.168.10.0/26 have? Explain the calculation.',
    expected: ['62'],
    wrong: ['64', '30'],
  },
  {
    queryType: 'technical',
    complexity: 'medium',
    prompt: 'What is the decimal value of the hexadecimal number 0x2F, and how do you convert it?',
    expected: ['47'],
    wrong: ['45', '63'],
  },
  {
    queryType: 'technical',
    complexity: 'medium',
    prompt:
      'This function should return the largest element, but it fails for lists of negative numbers. Which variable has the wrong initial value?\n```python\ndef largest(items):\n    best = 0\n    for item in items:\n        if item > best:\n            best = item\n    return best\n```',
    expected: ['variable best'],
    wrong: ['variable item', 'variable items'],
  },
  {
    queryType: 'technical',
    complexity: 'medium',
    prompt: 'Compare a stack and a queue. Which of the two removes elements in first-in, first-out order?',
    expected: ['queue does'],
    wrong: ['stack does', 'neither of them does'],
  },
  {
    queryType: 'technical',
    complexity: 'medium',
    prompt:
      'Write a regular expression that matches exactly five digits and nothing else, and explain each part of it.',
    expected: ['^\\d{5}$', '^[0-9]{5}$'],
    wrong: ['\\d+', '^\\d{4,6}$'],
  },
  {
    queryType: 'research',
    complexity: 'medium',
    prompt:
      'Compare mitosis and meiosis. How many daughter cells does meiosis produce, and why does that number matter?',
    expected: ['four daughter cells', '4 daughter cells'],
    wrong: ['two daughter cells', 'eight daughter cells'],
  },
  {
    queryType: 'research',
    complexity: 'medium',
    prompt: 'Summarise how the seasons on Earth come about. What is the main cause?',
    expected: ['tilt'],
    wrong: ['distance from the sun', 'length of the orbit'],
  },
  {
    queryType: 'research',
    complexity: 'medium',
    prompt:
      'Which treaty ended the Thirty Years War in 1648, and what were its main consequences for the states of Europe?',
    expected: ['Westphalia'],
    wrong: ['the Treaty of Utrecht', 'the Treaty of Versailles'],
  },
  {
    queryType: 'research',
    complexity: 'medium',
    prompt:
      'Explain the difference between correlation and causation, and name the kind of variable that influences both of two correlated quantities.',
    expected: ['confounding', 'confounder'],
    wrong: ['a dependent variable', 'a binary variable'],
  },
  {
    queryType: 'research',
    complexity: 'medium',
    prompt:
      'What is the main function of mitochondria in the cell? Summarise the process in a few sentences and name the molecule that carries the energy.',
    expected: ['ATP'],
    wrong: ['DNA', 'haemoglobin'],
  },
  {
    queryType: 'research',
    complexity: 'medium',
    prompt:
      'Describe the greenhouse effect and name the greenhouse gas that contributes most to it by total warming, natural sources included.',
    expected: ['water vapour', 'water vapor'],
    wrong: ['methane', 'ozone'],
  },
];
