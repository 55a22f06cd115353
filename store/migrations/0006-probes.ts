import { sql, type Kysely } from 'kysely';

/** Refusals: tried again once an hour per cause, and closed in the statement that parks nothing for them any more. */
export const up = async (db: Kysely<never>): Promise<void> => {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
};

const STATEMENTS = [
  `alter table rejections
    -- when it was last tried again although no value had moved
    add column tried_at timestamptz,
    add column on_trial boolean not null default false,
    -- closed because a trial went through
    add column passed boolean not null default false`,
  `create index rejections_tried on rejections (cause, tried_at) where tried_at is not null`,

  // What records were refused for, over and over: one of them is tried again from time to time.
  `create table probes (
    cause text primary key,
    -- null: to be reckoned from the oldest refusal
    due_at timestamptz,
    probed_at timestamptz,
    -- how many were tried at probed_at
    portion integer not null default 1
  )`,
  // Codes of metadata are words; what they refuse is judged again without a call.
  `insert into probes (cause)
    select distinct cause from rejections
    where closed_at is null and code !~ '^(too-|out-of-|not-|unknown-|ambiguous-|name-of-)'`,

  // A link that is not at rest: since when.
  `alter table links add column dirty_since timestamptz`,

  `update links set parked = (
    select jsonb_object_agg(field, held || coalesce((
      select jsonb_build_object('side', side, 'code', code)
        || case when code ~ '^(too-|out-of-|not-|unknown-|ambiguous-|name-of-)' then '{"local":true}' else '{}' end::jsonb
      from rejections where rejections.id::text = held ->> 'rejectionId'), '{}'))
    from jsonb_each(parked) as each (field, held)) where parked <> '{}'`,

  // An open refusal is one for which its link still parks something: kept true by the store, whoever changes the link.
  `update rejections set closed_at = clock_timestamp()
    from links where links.id = rejections.link_id and closed_at is null
      and not jsonb_path_query_array(parked, '$.*.rejectionId') ? rejections.id::text`,
  `create function close_rejections() returns trigger language plpgsql as $$
    begin
      update rejections
      set closed_at = clock_timestamp(), passed = on_trial and new.status = 'linked', on_trial = false
      where link_id = new.id and closed_at is null
        and not jsonb_path_query_array(new.parked, '$.*.rejectionId') ? id::text;
      return null;
    end $$`,
  `create trigger links_unparked after update on links for each row
    when (old.parked is distinct from new.parked) execute function close_rejections()`,

  `create function note_dirty() returns trigger language plpgsql as $$
    begin
      new.dirty_since := case when new.dirty then coalesce(old.dirty_since, clock_timestamp()) end;
      return new;
    end $$`,
  `create trigger links_dirty_since before update on links for each row
    when (new.dirty is distinct from old.dirty or (new.dirty and old.dirty_since is null))
    execute function note_dirty()`,
];
