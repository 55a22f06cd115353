"""marketorestpython 0.5.25 against a simulated Marketo; marketorestpython.flow.ts asserts what it prints."""

from marketorestpython.client import MarketoClient

from steps import setting, tell

# The constructor makes an address of the Munchkin id; `host` is where it keeps it.
client = MarketoClient(
    "123-ABC-456", setting("MARKETO_CLIENT_ID"), setting("MARKETO_CLIENT_SECRET"), max_retry_time=5
)
client.host = setting("MARKETO_ORIGIN")

tell("describe", result=client.execute(method="describe"))
tell("end")
