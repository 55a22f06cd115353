/** Refusals that clients must know, by name; an order may still change any part of one. */
export const faultPresets = {
  throttledRequests: {
    status: 429,
    code: '0x80072322',
    message: 'Number of requests exceeded the limit of 6000 over time window of 300 seconds.',
    retryAfter: 17,
  },
  throttledTime: {
    status: 429,
    code: '0x80072321',
    message:
      'Combined execution time of incoming requests exceeded limit of 1,200,000 milliseconds over time window of 300 seconds. Decrease number of concurrent requests or reduce the duration of requests and try again later.',
    retryAfter: 17,
  },
  throttledConcurrency: {
    status: 429,
    code: '0x80072326',
    message: 'Number of concurrent requests exceeded the limit of 52.',
    retryAfter: 1,
  },
  tooManyRequests: { status: 429, code: '0x8005f103', message: 'Too many requests.', retryAfter: 10 },
  expiredDelta: {
    method: 'GET',
    path: '$deltatoken',
    status: 400,
    code: '0x80044352',
    message: 'Version stamp associated with the client has expired. Please perform a full sync.',
  },
  goneDelta: { method: 'GET', path: '$deltatoken', status: 410, code: '', message: 'Gone' },
  deadlock: {
    status: 500,
    code: '0x80044150',
    message: 'Generic SQL error. Sql Number: 1205. Transaction was deadlocked on lock resources.',
  },
  sqlTimeout: { status: 500, code: '0x80044151', message: 'SQL timeout expired.' },
  databaseBusy: {
    status: 503,
    code: '0x80072323',
    message: 'The database is busy: the limit of its workers was reached.',
  },
  pluginTimeout: {
    status: 500,
    code: '0x80044171',
    message: 'The plug-in execution failed because the operation has timed-out at the Sandbox Client.',
  },
  organizationDisabled: {
    status: 503,
    code: '0x8004a104',
    message: 'The organization is disabled.',
  },
  tooLarge: { status: 413, code: '0x8004418a', message: 'The request length is too large.' },
  gateway: { status: 502, body: 'html' },
  iisMessage: { status: 500, body: 'message', message: 'An error has occurred.' },
  noCode: { status: 500, code: '', message: 'An error has occurred.' },
  zeroCode: { status: 400, code: '0x0', message: 'An undefined error has occurred.' },
} as const;

export type FaultPreset = keyof typeof faultPresets;

export const presetNames = Object.keys(faultPresets) as [FaultPreset, ...FaultPreset[]];
