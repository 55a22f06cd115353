import type { Origin } from './activity-log.js';

/** How the log words every write through the REST API, whoever made it (Adobe REST docs, "Activities"). */
export const WEB_SERVICE: Origin = { source: 'Web service API', reason: 'Web service API' };

/** Our own wording for a change made by a user in the product's screens: the real one is not documented. */
export const USER_EDIT: Origin = { source: 'Manual change', reason: 'Changed by user' };

/** Source of a person who filled out a form (Adobe REST docs, developer blog). */
export const FORM_SOURCE = 'Web form fillout';
