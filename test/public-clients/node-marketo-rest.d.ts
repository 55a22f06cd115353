/** What the flows use of node-marketo-rest 0.7.8, which has no types of its own (hand-written from its source). */
declare module 'node-marketo-rest' {
  import type { EventEmitter } from 'node:events';

  type Row = Readonly<Record<string, unknown>>;
  type Query = Readonly<Record<string, unknown>>;

  namespace Marketo {
    interface Options {
      /** `…/rest`, without a slash at the end. */
      readonly endpoint: string;
      /** `…/identity`. */
      readonly identity: string;
      readonly clientId: string;
      readonly clientSecret: string;
      /** Delays in ms. After 606 it waits `maxDelay` before its own pause. */
      readonly retry?: {
        readonly maxRetries?: number;
        readonly initialDelay?: number;
        readonly maxDelay?: number;
      };
    }

    /** The envelope as it came; `nextPage` is there when it carried a paging token. */
    interface Page {
      readonly requestId: string;
      readonly success: boolean;
      readonly result?: readonly Row[];
      readonly moreResult?: boolean;
      readonly nextPageToken?: string;
      nextPage?(): Promise<Page>;
    }

    /** Rejections of calls that Marketo answered. */
    interface HttpError extends Error {
      /** HTTP status. */
      readonly code: number;
      readonly errors?: readonly { readonly code: string; readonly message: string }[];
    }

    interface Lead {
      byId(id: number, options?: Query): Promise<Page>;
      find(filterType: string, filterValues: readonly unknown[], options?: Query): Promise<Page>;
      createOrUpdate(input: readonly Row[], options?: Query): Promise<Page>;
      push(input: readonly Row[], options?: Query): Promise<Page>;
      associateLead(id: number, cookie: string): Promise<Page>;
      describe(): Promise<Page>;
      partitions(): Promise<Page>;
      mergeLead(winner: number, losers: readonly number[], options: Query): Promise<Page>;
      getPageToken(sinceDatetime: string): Promise<Page>;
      getActivities(
        leadIds: readonly number[],
        typeIds: readonly number[],
        token: string,
        options?: Query,
      ): Promise<Page>;
      getActivitiesForList(
        listId: number,
        typeIds: readonly number[],
        token: string,
        options?: Query,
      ): Promise<Page>;
      getChanges(token: string, options?: Query): Promise<Page>;
    }

    interface List {
      find(options?: Query): Promise<Page>;
      byId(id: number): Promise<Page>;
      addLeadsToList(listId: number, leads: readonly (number | Row)[]): Promise<Page>;
      removeLeadsFromList(listId: number, leadIds: readonly number[]): Promise<Page>;
      addEmailsToList(emails: readonly string[], listId: number): Promise<Page>;
      getLeads(listId: number, options?: Query): Promise<Page>;
      isMember(listId: number, leadIds: readonly number[]): Promise<Page>;
    }

    interface Campaign {
      request(id: number, leads: readonly Row[], tokens: readonly Row[], options?: Query): Promise<Page>;
      getCampaigns(options?: Query): Promise<Page>;
    }

    interface Stats {
      usage(): Promise<Page>;
      usageLast7Days(): Promise<Page>;
      errors(): Promise<Page>;
      errorsLast7Days(): Promise<Page>;
    }

    interface BulkJobs {
      enqueue(exportId: string): Promise<Page>;
      status(exportId: string): Promise<Page>;
      statusTilCompleted(exportId: string): Promise<Page>;
      cancel(exportId: string): Promise<Page>;
      file(exportId: string): Promise<unknown>;
    }

    interface BulkLeadExtract extends BulkJobs {
      create(fields: readonly string[], filter: Row, options?: Query): Promise<Page>;
      get(fields: readonly string[], filter: Row, options?: Query): Promise<Page>;
    }

    interface BulkActivityExtract extends BulkJobs {
      create(filter: Row, options?: Query): Promise<Page>;
      get(filter: Row, options?: Query): Promise<Page>;
    }
  }

  class Marketo extends EventEmitter {
    constructor(options: Marketo.Options);
    readonly lead: Marketo.Lead;
    readonly list: Marketo.List;
    readonly campaign: Marketo.Campaign;
    readonly activities: { getActivityTypes(): Promise<Marketo.Page> };
    readonly stats: Marketo.Stats;
    readonly bulkLeadExtract: Marketo.BulkLeadExtract;
    readonly bulkActivityExtract: Marketo.BulkActivityExtract;
    /** Fetches a token anew and keeps it. */
    getOAuthToken(): Promise<{
      readonly access_token: string;
      readonly expires_in: number;
      readonly scope: string;
    }>;
    /** A stream of the records of all pages. */
    streamify(
      object: string,
      method: string,
      args: readonly unknown[],
    ): NodeJS.ReadableStream & AsyncIterable<Row>;
  }

  export = Marketo;
}
