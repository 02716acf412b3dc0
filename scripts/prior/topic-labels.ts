/**
 * Which topic the tasks of the public data belong to. Subjects that are alike in content and in how hard they are for models
 * stand together; a task that is listed nowhere has no label, and its prompts belong to what they are like.
 */
const tasksOfTopic: Readonly<Record<string, readonly string[]>> = {
  'word problems': ['gsm8k', 'agentverse-mgsm'],
  'competition mathematics': ['math'],
  'advanced mathematics': ['abstract_algebra', 'college_mathematics', 'high_school_mathematics'],
  'elementary mathematics': ['elementary_mathematics', 'high_school_statistics', 'econometrics'],
  'logic puzzles': ['agentverse-logicgrid'],
  'formal logic': ['formal_logic', 'logical_fallacies'],
  'programs from a sentence': ['mbpp', 'mt_bench:coding'],
  'programs from a signature': ['human_eval'],
  'computer science': [
    'college_computer_science',
    'high_school_computer_science',
    'computer_security',
    'machine_learning',
  ],
  'graduate science': ['gpqa'],
  physics: ['astronomy', 'college_physics', 'conceptual_physics', 'high_school_physics', 'electrical_engineering'],
  chemistry: ['college_chemistry', 'high_school_chemistry'],
  biology: ['college_biology', 'high_school_biology', 'medical_genetics', 'virology'],
  medicine: [
    'anatomy',
    'clinical_knowledge',
    'college_medicine',
    'professional_medicine',
    'nutrition',
    'human_aging',
    'human_sexuality',
  ],
  'school science': ['arc_challenge', 'openbook_qa'],
  'common sense': ['commonsense_qa'],
  law: ['professional_law', 'international_law', 'jurisprudence'],
  economics: ['high_school_macroeconomics', 'high_school_microeconomics'],
  accounting: ['professional_accounting'],
  business: ['business_ethics', 'management', 'marketing', 'public_relations'],
  psychology: ['high_school_psychology', 'professional_psychology', 'sociology'],
  history: ['high_school_european_history', 'high_school_us_history', 'high_school_world_history', 'prehistory'],
  politics: [
    'high_school_government_and_politics',
    'high_school_geography',
    'security_studies',
    'us_foreign_policy',
    'global_facts',
  ],
  philosophy: ['philosophy', 'moral_disputes', 'world_religions'],
  'moral scenarios': ['moral_scenarios'],
  'general knowledge': ['miscellaneous'],
  trivia: ['trivia_qa'],
  'search questions': ['natural_qa'],
  'sentences from words': ['commongen'],
  writing: ['mt_bench:writing', 'mt_bench:roleplay', 'mt_bench:humanities'],
};

/** Names of the topics, in the order of their numbers. */
export const topicNames: readonly string[] = Object.keys(tasksOfTopic);

const topicOfTask = new Map(
  Object.values(tasksOfTopic).flatMap((tasks, topic) => tasks.map((task) => [task, topic] as const)),
);

/** The number of a task's topic; null where it has none. */
export function labelOf(task: string): number | null {
  return topicOfTask.get(task) ?? null;
}
