import { expect, test } from 'vitest';
import { createMetrics } from '../metrics.ts';
import { definitionOf, metricDefinitions, type MetricName } from './all.ts';
import { labelBounds } from './definition.ts';

const names = Object.keys(metricDefinitions) as MetricName[];

test('names follow Prometheus: base units in the name, _total at the end of counters alone', () => {
  const wrong = names.filter((name) => {
    const { type, unit } = definitionOf(name);
    const base = name.replace(/_total$/, '');
    const hasUnit = ['count', 'flag'].includes(unit) || base.split('_').includes(unit);
    return name.endsWith('_total') !== (type === 'counter') || !hasUnit || !/^signalbox(_[a-z]+)+$/.test(name);
  });
  expect(wrong).toEqual([]);
});

test('no label names who asks or what is asked', () => {
  expect(Object.keys(labelBounds).filter((name) => /key|user|team|session|prompt|text|id$/.test(name))).toEqual([
    'instance_id',
  ]);
  const used = new Set(names.flatMap((name) => definitionOf(name).labels));
  expect([...used].toSorted((a, b) => a.localeCompare(b))).toEqual(Object.keys(labelBounds));
});

test('values of a label are bounded: what comes after many is other', () => {
  const metrics = createMetrics();
  const shown = new Set(Array.from({ length: 1000 }, (_, index) => metrics.boundedLabel('model', `m${index}`)));
  expect(shown.size).toBe(201);
  expect(metrics.boundedLabel('model', 'm0')).toBe('m0');
  expect(metrics.boundedLabel('model', 'm999')).toBe('other');
});
