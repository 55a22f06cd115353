"""marketorestpython 0.5.25 against a simulated Marketo; marketorestpython.flow.ts asserts what it prints."""

import os
import sys
import tempfile
from datetime import datetime, timedelta, timezone

from marketorestpython.client import MarketoClient

from steps import failure_of, setting, tell, wait_for_flow


def new_client():
    client = MarketoClient(
        "123-ABC-456", setting("MARKETO_CLIENT_ID"), setting("MARKETO_CLIENT_SECRET"), max_retry_time=30
    )
    # The constructor makes an address of the Munchkin id; this is where it keeps it.
    client.host = setting("MARKETO_ORIGIN")
    return client


client = new_client()
AN_HOUR_AGO = (datetime.now(timezone.utc) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
NOVEMBER = {"createdAt": {"startAt": "2026-11-01T00:00:00Z", "endAt": "2026-11-30T00:00:00Z"}}


def call(method, **arguments):
    return client.execute(method=method, **arguments)


def refused(method, **arguments):
    return failure_of(lambda: call(method, **arguments))


def persons():
    tell("describe", old=call("describe"), new=call("describe2"))
    tell("scope", scope=client.scope)
    leads = [{"email": "a@x.io"}, {"email": "bademail"}, {"email": "b@x.io", "dynamicsId": "7d1e"}]
    tell("upsert", result=call("create_update_leads", leads=leads))
    moved = [{"dynamicsId": "7d1e", "email": "moved@x.io"}]
    tell("custom field", result=call("create_update_leads", leads=moved, lookupField="dynamicsId"))
    again = call("create_update_leads", leads=[{"email": "a@x.io"}], action="createOnly")
    absent = call("create_update_leads", leads=[{"id": 7}], action="updateOnly", lookupField="id")
    tell("partial", again=again, absent=absent)
    tell("by id", result=call("get_lead_by_id", id=1001, fields="email,title"))
    tell("no such lead", failure=refused("get_lead_by_id", id=7))
    values = ["a@x.io", "moved@x.io", "nobody@x.io"] + ["someone.%d@some.where.example" % i for i in range(290)]
    found = call(
        "get_multiple_leads_by_filter_type", filterType="email", filterValues=values, fields="id", batchSize=1
    )
    tell("long query", result=found, characters=len(",".join(values)))
    tell("bad filter", failure=refused("get_multiple_leads_by_filter_type", filterType="title", filterValues=["x"]))
    tell("unknown field", failure=refused("create_update_leads", leads=[{"email": "a@x.io", "nope": 1}]))


def streams():
    token = call("get_paging_token", sinceDatetime=AN_HOUR_AGO)
    call("create_update_leads", leads=[{"email": "a@x.io", "title": "CTO"}])
    changes = call("get_lead_changes", fields=["title"], nextPageToken=token)
    pages = list(call("get_lead_changes_yield", fields=["title"], nextPageToken=token, batchSize=1))
    tell("changes", result=changes, pages=pages)
    activities = call("get_lead_activities", activityTypeIds=["12", "13"], sinceDatetime=AN_HOUR_AGO, leadIds=1001)
    tell("activities", result=activities, types=[row["id"] for row in call("get_activity_types")])
    gone = call("create_update_leads", leads=[{"email": "gone@x.io"}])[0]["id"]
    tell("delete", result=call("delete_lead", id=[gone, 7]))
    tell("deleted leads", result=call("get_deleted_leads", sinceDatetime=AN_HOUR_AGO), gone=gone)


def custom_activities():
    call(
        "create_custom_activity_type",
        apiName="syncRejected",
        name="Sync Rejected",
        triggerName="Sync Is Rejected",
        filterName="Sync Was Rejected",
        primaryAttributeApiName="summary",
        primaryAttributeName="Summary",
    )
    attributes = [{"apiName": "code", "name": "Code", "dataType": "string"}]
    call("create_custom_activity_type_attribute", apiName="syncRejected", attributes=attributes)
    approved = call("approve_custom_activity_type", apiName="syncRejected")[0]
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    activity = {
        "leadId": 1001,
        "activityDate": now,
        "activityTypeId": approved["id"],
        "primaryAttributeValue": "no last name",
        "attributes": [{"apiName": "code", "value": "0x80040265"}],
    }
    added = call("add_custom_activities", input=[activity, {**activity, "leadId": 7}])
    listed = call("get_custom_activity_types")
    tell("custom activities", approved=approved, added=added, listed=[row["apiName"] for row in listed])


def lists_and_campaigns():
    tell(
        "lists",
        all=call("get_multiple_lists"),
        named=call("get_multiple_lists", name="Newsletter"),
        added=call("add_leads_to_list", listId=1501, id=[1001, 1002, 7]),
        member=call("member_of_list", listId=1501, id=[1001, 1002]),
        leads=call("get_multiple_leads_by_list_id", listId=1501, fields="email", batchSize=1),
        removed=call("remove_leads_from_list", listId=1501, id=[1002, 1003]),
        unknown=refused("add_leads_to_list", listId=7, id=[1001]),
    )
    tell(
        "campaigns",
        all=call("get_multiple_campaigns"),
        by_ids=call("get_multiple_campaigns", id=[2001, 2002]),
        by_id=call("get_campaign_by_id", id=2001),
        requested=call("request_campaign", id=2001, leads=[1001], tokens={"my.reason": "no last name"}),
        scheduled=call("schedule_campaign", id=2002, runAt="2099-01-01T00:00:00Z"),
        batch=refused("request_campaign", id=2002, leads=[1001]),
        unknown=refused("request_campaign", id=7, leads=[1001]),
        nobody=refused("request_campaign", id=2001, leads=[7]),
    )


def bulk():
    job = call("create_leads_export_job", fields=["id", "email"], filters={"staticListId": 1501})[0]
    call("enqueue_leads_export_job", job_id=job["exportId"])
    done = call("get_leads_export_job_status", job_id=job["exportId"])[0]
    file = call("get_leads_export_job_file", job_id=job["exportId"])
    tell("lead export", job=job, done=done, file=file.decode())
    job = call("create_activities_export_job", filters={**NOVEMBER, "activityTypeIds": [24]})[0]
    cancelled = call("cancel_activities_export_job", job_id=job["exportId"])[0]
    listed = call("get_activities_export_jobs_list")
    tell("activity export", cancelled=cancelled, listed=[row["status"] for row in listed])
    tell("bad export", failure=refused("create_leads_export_job", fields=["id"], filters={"smartListId": 7}))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "people.csv")
        with open(path, "w", encoding="utf8") as people:
            people.write("email,firstName,numberOfEmployees\nimported@x.io,Zoë,many\nbad mail,Eve,3\n")
        batch = call("import_lead", file=path, format="csv", listId=1501)[0]
    tell(
        "import",
        batch=batch,
        status=call("get_import_lead_status", id=batch["batchId"]),
        failures=call("get_import_failure_file", id=batch["batchId"]),
        warnings=call("get_import_warning_file", id=batch["batchId"]),
    )


def usage():
    tell(
        "usage",
        today=call("get_daily_usage"),
        week=call("get_last_7_days_usage"),
        errors=call("get_daily_errors"),
        week_of_errors=call("get_last_7_days_errors"),
    )


def faults():
    """The flow arms a fault before each of these; the answers tell what the client made of it."""
    for step in ("606", "607", "gateway"):
        tell(f"ready for {step}")
        wait_for_flow()
        outcome = {}
        failure = failure_of(lambda: outcome.update(result=call("get_lead_by_id", id=1001)))
        tell(step, failure=failure, **outcome)


def expiry():
    call("get_lead_by_id", id=1001)
    tell("ready for expiry")
    wait_for_flow()
    result = call("get_lead_by_id", id=1001)
    fresh = new_client().execute(method="get_lead_by_id", id=1001)
    tell("expiry", result=result, fresh=fresh)
    tell("ready for short tokens")
    wait_for_flow()
    other = new_client()
    tell("short tokens", results=[other.execute(method="get_lead_by_id", id=1001) for _ in range(3)])
    other = MarketoClient("123-ABC-456", setting("MARKETO_CLIENT_ID"), "wrong")
    other.host = setting("MARKETO_ORIGIN")
    tell("wrong secret", failure=failure_of(lambda: other.execute(method="describe")))


def merge():
    moves = [{"id": 1003, "partitionName": "EU"}, {"id": 7, "partitionName": "EU"}]
    tell(
        "merge",
        names=[row["name"] for row in call("get_lead_partitions")],
        moved=call("update_leads_partition", input=moves),
        merged=call("merge_lead", id=1001, leadIds=[1002]),
        missing=refused("merge_lead", id=1001, leadIds=[1002]),
    )


PARTS = {
    "merge": (merge,),
    "life": (persons, streams, custom_activities, lists_and_campaigns, bulk, usage),
    "faults": (faults,),
    "expiry": (expiry,),
}

for part in PARTS[sys.argv[1]]:
    part()
tell("end")
