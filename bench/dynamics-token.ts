import * as z from 'zod';

const granted = z.object({ access_token: z.string() });

/** Signs in to the simulated Dynamics, by the variables under which the product knows it. @returns the bearer token */
export const dynamicsToken = async (variables: Readonly<Record<string, string>>): Promise<string> => {
  const variable = (name: string): string => variables[name] ?? '';
  const answer = await fetch(variable('ENTRA_TOKEN_ENDPOINT'), {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: variable('DATAVERSE_CLIENT_ID'),
      client_secret: variable('DATAVERSE_CLIENT_SECRET'),
      scope: `${variable('DATAVERSE_URL')}/.default`,
    }),
  });
  return granted.parse(await answer.json()).access_token;
};
