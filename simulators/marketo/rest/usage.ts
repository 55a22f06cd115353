import type { Instance } from '../instance.js';
import type { Answer, Endpoint } from './endpoint.js';

const WEEK = 7;

/** Usage and error statistics (Adobe REST docs, "Usage"). */
export function usageEndpoints(instance: Instance): Endpoint[] {
  const read = (name: string, answer: () => Answer): Endpoint => ({
    method: 'GET',
    path: `/v1/stats/${name}.json`,
    write: false,
    answer,
  });
  return [
    read('usage', () => usage(instance, 1)),
    read('usage/last7days', () => usage(instance, WEEK)),
    read('errors', () => errors(instance, 1)),
    read('errors/last7days', () => errors(instance, WEEK)),
  ];
}

const usage = (instance: Instance, days: number): Answer => ({
  result: instance.meter.usage(days).map(({ date, total, users }) => ({
    date,
    total,
    users: [...users].map(([userId, count]) => ({ userId, count })),
  })),
});

const errors = (instance: Instance, days: number): Answer => ({
  result: instance.meter.usage(days).map((day) => ({
    date: day.date,
    total: [...day.errors.values()].reduce((sum, count) => sum + count, 0),
    errors: [...day.errors].map(([errorCode, count]) => ({ errorCode, count })),
  })),
});
