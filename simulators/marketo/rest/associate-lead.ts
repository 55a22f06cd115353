import { ApiFailure } from '../failure.js';
import type { Instance } from '../instance.js';
import { required, type Answer, type Call, type Endpoint } from './endpoint.js';
import { personOf } from './merge-leads.js';

/** The value of a tracking cookie, such as `id:123-ABC-456&token:_mch-example.com-1396310362214-46169`. */
const COOKIE = /^(id:[\w-]+&)?token:_mch-\S+$/;

/** Associate Lead: a visitor's cookie is a known person's from now on (Adobe REST docs, "Leads"). */
export function associateLeadEndpoint(instance: Instance): Endpoint {
  return {
    method: 'POST',
    path: '/v1/leads/:id/associate.json',
    write: true,
    answer: (call) => associate(instance, call),
  };
}

function associate(instance: Instance, call: Call): Answer {
  const cookie = required(call, 'cookie');
  const person = personOf(instance, call.path['id'] ?? '');
  if (!COOKIE.test(cookie)) throw new ApiFailure('1012', `Invalid cookie value '${cookie}'`);
  instance.cookies.associate(cookie, person.id);
  return {};
}
