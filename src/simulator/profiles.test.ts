import { describe, expect, it } from 'vitest';
import { defaultProfiles } from './default-profiles.ts';
import { baseProfile, profileAt, profileSchema } from './profile.ts';
import { parseProfiles } from './profiles.ts';

describe('parseProfiles', () => {
  it('changes a default profile by what it names and leaves the rest', () => {
    const profiles = parseProfiles('models: [{ id: text-embedding-3-small, error_rate: 0.5 }]', 'p.yaml');
    const known = defaultProfiles.find(({ id }) => id === 'text-embedding-3-small');
    expect(profiles.find(({ id }) => id === 'text-embedding-3-small')).toEqual({ ...known, error_rate: 0.5 });
    expect(profiles).toHaveLength(defaultProfiles.length);
  });

  it('serves only the models of the file if it says so', () => {
    const profiles = parseProfiles('{ defaults: false, models: [{ id: mine, vision: false }] }', 'p.yaml');
    expect(profiles).toEqual([{ ...baseProfile('mine'), vision: false }]);
  });

  it.each([
    ['models: [{ id: a, colour: red }]', 'p.yaml: models.0'],
    ['models: [{ id: a, error_rate: 2 }]', 'p.yaml: models.0.error_rate'],
    ['models: [{ id: a, ttft_ms: { median: 100, p95: 50 } }]', 'p.yaml: models.0.ttft_ms'],
    ['models: [{ id: a, schedule: [{ after_s: 5, until_s: 5, set: {} }] }]', 'p.yaml: models.0.schedule.0'],
    ['models: [', 'p.yaml: not YAML'],
    ['', 'p.yaml'],
  ])('refuses %j with its path', (text, message) => {
    expect(() => parseProfiles(text, 'p.yaml')).toThrow(message);
  });

  it('has default profiles that its own schema accepts', () => {
    for (const profile of defaultProfiles) expect(profileSchema.parse(profile)).toEqual(profile);
  });
});

describe('profileAt', () => {
  const profile = {
    ...baseProfile('m'),
    schedule: [
      { after_s: 10, until_s: 20, set: { error_rate: 0.3, quality: 0.1, ttft_median_ms: 300 } },
      { after_s: 15, set: { quality: { complex: 0.9 }, outage: true as const } },
    ],
  };

  it('applies each change from its begin to just before its end', () => {
    expect(profileAt(profile, 9_999)).toMatchObject({
      error_rate: 0,
      outage: false,
      ttft_ms: { median: 150, p95: 400 },
    });
    expect(profileAt(profile, 10_000)).toMatchObject({
      error_rate: 0.3,
      quality: { simple: 0.1, medium: 0.1, complex: 0.1 },
      ttft_ms: { median: 300, p95: 800 },
      outage: false,
    });
    expect(profileAt(profile, 15_000)).toMatchObject({ quality: { simple: 0.1, complex: 0.9 }, outage: true });
    expect(profileAt(profile, 20_000)).toMatchObject({ error_rate: 0, quality: { simple: 0.95, complex: 0.9 } });
  });
});
