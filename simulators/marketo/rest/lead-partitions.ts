import type { Instance } from '../instance.js';
import { WEB_SERVICE } from '../activities/origins.js';
import { inputOf, MOST_RECORDS, textOf, type Answer, type Call, type Endpoint } from './endpoint.js';
import { deniedPartition, skipped, writablePartition, type InputRecord } from './lead-writing.js';

const PATH = '/v1/leads/partitions.json';

/** Get Lead Partitions and Update Lead Partition (Adobe REST docs, "Leads": partitions). */
export function leadPartitionsEndpoints(instance: Instance): Endpoint[] {
  return [
    { method: 'GET', path: PATH, write: false, answer: () => ({ result: instance.partitions.all() }) },
    { method: 'POST', path: PATH, write: true, answer: (call) => updatePartitions(instance, call) },
  ];
}

function updatePartitions(instance: Instance, call: Call): Answer {
  const tooMany = `Max number of leads allowed to update in a single call is ${MOST_RECORDS}`;
  return { result: inputOf(call, tooMany).map((record) => move(instance, record)) };
}

function move(instance: Instance, record: InputRecord): Record<string, unknown> {
  const person = instance.people.table.get(Number(record['id']));
  if (!person) return { ...skipped('1004') };
  const name = textOf(record, 'partitionName');
  if (name === undefined) return { id: person.id, ...skipped('1009', 'Partition name must be specified') };
  const partition = writablePartition(instance, name);
  if (!partition) return { id: person.id, ...skipped('1008', deniedPartition(name)) };
  if (!writablePartition(instance, instance.people.partitionOf(person).name)) {
    return { id: person.id, ...skipped('1010', 'Partition update not allowed') };
  }
  instance.people.move(person, partition, WEB_SERVICE);
  return { id: person.id, status: 'updated' };
}
