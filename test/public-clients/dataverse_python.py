"""PowerPlatform-Dataverse-Client 1.1.0 against a simulated Dataverse; dataverse-python.flow.ts asserts what it prints."""

import json
import time
import urllib.parse
import urllib.request

from azure.core.credentials import AccessToken
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.core.errors import DataverseError
from PowerPlatform.Dataverse.models.filters import col
from PowerPlatform.Dataverse.models.query_builder import ExpandOption
from PowerPlatform.Dataverse.models.upsert import UpsertItem

from steps import setting, tell, wait_for_flow

FORMATTED = "OData.Community.Display.V1.FormattedValue"


class SecretCredential:
    """An azure-core TokenCredential: the client-credentials flow at the simulator's token endpoint."""

    def get_token(self, *scopes, **_options):
        form = {
            "grant_type": "client_credentials",
            "client_id": setting("DATAVERSE_CLIENT_ID"),
            "client_secret": setting("DATAVERSE_CLIENT_SECRET"),
            "scope": scopes[0],
        }
        body = urllib.parse.urlencode(form).encode()
        with urllib.request.urlopen(setting("ENTRA_TOKEN_ENDPOINT"), body) as response:
            token = json.load(response)
        return AccessToken(token["access_token"], int(time.time()) + token["expires_in"])


def refusal_of(work):
    """What the client makes of a refusal: its own error, taken apart."""
    try:
        work()
    except DataverseError as error:
        return {
            "type": type(error).__name__,
            "status": error.status_code,
            "code": error.details.get("service_error_code"),
            "transient": error.is_transient,
            "retryAfter": error.details.get("retry_after"),
            "requestId": error.details.get("service_request_id"),
            "message": str(error),
        }
    return None


def records(client):
    made = client.records.create("contact", {"firstname": "Ana", "LastName": "Ruiz", "jobtitle": "CTO"})
    read = client.records.retrieve("contact", made, select=["fullname", "jobtitle"])
    client.records.update("contact", made, {"jobtitle": None, "department": "R&D"})
    updated = client.records.retrieve("contact", made, select=["jobtitle", "department"])
    tell("created", id=made, read=read.to_dict(), updated=updated.to_dict())
    wait_for_flow()
    client.records.delete("contact", made)
    tell("deleted", after=client.records.retrieve("contact", made))


def bulk(client):
    people = [{"lastname": f"Bulk {n}", "emailaddress1": f"bulk{n}@example.com"} for n in range(5)]
    ids = client.records.create("contact", people)
    client.records.update("contact", ids, {"department": "Sales"})
    client.records.update("contact", ids[:2], [{"jobtitle": "A"}, {"jobtitle": "B"}])
    client.records.delete("contact", ids[4:], use_bulk_delete=False)
    job = client.records.delete("contact", ids[3:4])
    tell("bulk", ids=ids, job=job)


def queries(client):
    pages = [
        [record["lastname"] for record in page]
        for page in client.records.list_pages(
            "contact", select=["lastname"], filter="startswith(lastname,'Bulk')", orderby=["lastname"], page_size=2
        )
    ]
    tell("pages", pages=pages)
    found = (
        client.query.builder("contact")
        .select("lastname", "jobtitle", "statecode")
        .where((col("department") == "Sales") & col("jobtitle").is_not_null())
        .order_by("lastname", descending=True)
        .include_formatted_values()
        .execute()
    )
    tell("built", rows=[record.to_dict() for record in found], label=found.first().get(f"statecode@{FORMATTED}"))
    top = client.records.list("contact", select=["lastname"], orderby=["lastname asc"], top=1)
    tell("top", rows=[record["lastname"] for record in top])


def lookups(client):
    account = client.records.create("account", {"name": "Contoso"})
    bind = client.query.odata_bind("contact", "account", account)
    contact = client.records.create("contact", {"lastname": "Of Contoso", **bind})
    expanded = client.records.retrieve(
        "contact", contact, select=["lastname"], expand=["parentcustomerid_account($select=name)"]
    )
    option = ExpandOption("parentcustomerid_account").select("name")
    queried = (
        client.query.builder("contact").select("lastname").where(col("lastname") == "Of Contoso").expand(option).execute()
    )
    tell(
        "lookups",
        account=account,
        bind=bind,
        expanded=expanded.to_dict(),
        queried=[record.to_dict() for record in queried],
    )


def upserts(client):
    def item(key, **values):
        return UpsertItem(alternate_key={"new_marketostamp": key}, record=values)

    client.records.upsert("contact", [item("M-1", lastname="One")])
    client.records.upsert("contact", [item("M-1", lastname="One again"), item("M-2", lastname="Two")])
    found = client.records.list(
        "contact", select=["lastname", "new_marketostamp"], filter="startswith(new_marketostamp,'M-')",
        orderby=["new_marketostamp"],
    )
    tell("upserts", rows=[[row["new_marketostamp"], row["lastname"]] for row in found])


def batches(client):
    batch = client.batch.new()
    batch.records.create("contact", {"lastname": "In a batch"})
    batch.records.create("contact", {"lastname": "x" * 60})
    batch.records.list("contact", select=["lastname"], filter="lastname eq 'In a batch'")
    result = batch.execute(continue_on_error=True)
    tell("batch", answers=[[one.status_code, one.error_code] for one in result.responses], ids=result.entity_ids)

    batch = client.batch.new()
    with batch.changeset() as changes:
        lead = changes.records.create("lead", {"lastname": "In a change set"})
        changes.records.update("lead", lead, {"jobtitle": "by reference"})
    result = batch.execute()
    tell("changeset", answers=[[one.status_code, one.content_id] for one in result.responses], ids=result.entity_ids)

    batch = client.batch.new()
    with batch.changeset() as changes:
        changes.records.create("lead", {"lastname": "Never there"})
        changes.records.create("lead", {"lastname": "x" * 60})
    result = batch.execute(continue_on_error=True)
    left = client.records.list("lead", select=["lastname"], filter="lastname eq 'Never there'")
    tell("rollback", answers=[[one.status_code, one.error_code] for one in result.responses], left=len(left))


def metadata(client):
    info = client.tables.get("Lead")
    columns = client.tables.list_columns("lead", select=["LogicalName", "AttributeType"], filter="AttributeType eq 'Money'")
    typed = client.tables.get_column("lead", "jobtitle", typed=True)
    relationships = client.tables.list_table_relationships("lead")
    tell(
        "tables",
        info={name: getattr(info, name) for name in ("schema_name", "logical_name", "entity_set_name")},
        names=sorted(table["LogicalName"] for table in client.tables.list(select=["LogicalName"])),
        money=[column["LogicalName"] for column in columns],
        maxLength=typed["MaxLength"],
        unknown=[client.tables.get("nothere"), client.tables.get_column("lead", "nothere")],
        parents=sorted({one["ReferencedEntity"] for one in relationships if one["ReferencingEntity"] == "lead"}),
        keys=[[key.schema_name, key.key_attributes, key.status] for key in client.tables.get_alternate_keys("contact")],
    )
    # The client itself finds the value of a label, in any language that the metadata has.
    hot = client.records.create("lead", {"lastname": "By label", "leadqualitycode": "Hot"})
    cold = client.records.create("lead", {"lastname": "By German label", "leadqualitycode": "Kalt"})
    tell("labels", values=[client.records.retrieve("lead", id)["leadqualitycode"] for id in (hot, cold)])


def refusals(client):
    tell("tooLong", error=refusal_of(lambda: client.records.create("contact", {"lastname": "x" * 60})))
    tell("unknownColumn", error=refusal_of(lambda: client.records.create("contact", {"nothere": 1})))
    missing = "00000000-0000-4000-a000-00000000dead"
    tell("missing", error=refusal_of(lambda: client.records.update("contact", missing, {"jobtitle": "x"})))
    twice = {"contactid": "00000000-0000-4000-a000-000000000001", "lastname": "Once"}
    client.records.create("contact", twice)
    tell("twice", error=refusal_of(lambda: client.records.create("contact", twice)))
    tell("noTable", error=refusal_of(lambda: client.records.create("nothere", {"name": "x"})))
    secured = {"lastname": "S", "new_creditrating": "AAA"}
    tell("secured", error=refusal_of(lambda: client.records.create("contact", secured)))
    wait_for_flow()
    tell("forbidden", error=refusal_of(lambda: client.records.create("lead", {"lastname": "x"})))
    wait_for_flow()
    throttled = refusal_of(lambda: client.records.create("contact", {"lastname": "Patience"}))
    time.sleep(throttled["retryAfter"])
    tell("throttled", error=throttled, id=client.records.create("contact", {"lastname": "Patience"}))
    wait_for_flow()
    tell("expired", rows=len(client.records.list("contact", select=["lastname"], top=3)))


with DataverseClient(setting("DATAVERSE_URL"), SecretCredential()) as dataverse:
    for chapter in (records, bulk, queries, lookups, upserts, batches, metadata, refusals):
        chapter(dataverse)
tell("end")
