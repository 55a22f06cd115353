import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { AdminRefusal, personById } from '../admin.js';
import type { Instance } from '../instance.js';
import { USER_EDIT } from '../activities/origins.js';

const listSchema = z.strictObject({
  name: z.string().min(1),
  description: z.string().exactOptional(),
  programName: z.string().exactOptional(),
  workspaceName: z.string().exactOptional(),
});
const withId = z.object({ id: z.coerce.number() });
const membersSchema = z.strictObject({ input: z.array(z.int()) });

/** Static lists with their members, which marketers make in the product's screens. */
export function adminAssets(app: FastifyInstance, instance: Instance): void {
  const { lists } = instance;
  app.post('/lists', (request) => lists.create(listSchema.parse(request.body)));
  app.get('/lists', () => ({ lists: lists.save() }));
  app.post('/lists/:id/members', (request) => {
    const { id } = withId.parse(request.params);
    const list = lists.byId(id);
    if (!list) throw new AdminRefusal(404, `There is no list ${id}`);
    const ids = membersSchema
      .parse(request.body)
      .input.map((member) => personById(instance, String(member)).id);
    for (const member of ids) lists.join(list, member, USER_EDIT);
    return { members: lists.members(list) };
  });
}
