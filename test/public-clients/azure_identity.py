"""azure-identity signs in at the simulator and serves the Dataverse client; dataverse-python.flow.ts asserts it."""

from urllib.parse import urlsplit

from azure.identity import CertificateCredential, ClientSecretCredential
from PowerPlatform.Dataverse.client import DataverseClient

from steps import setting, tell

place = {
    "tenant_id": setting("ENTRA_TENANT_ID"),
    "client_id": setting("DATAVERSE_CLIENT_ID"),
    # The simulator is its own authority: only Microsoft's hosts are asked about at login.microsoftonline.com.
    "authority": urlsplit(setting("ENTRA_TOKEN_ENDPOINT")).netloc,
    "disable_instance_discovery": True,
}

if setting("CREDENTIAL") == "secret":
    credential = ClientSecretCredential(client_secret=setting("DATAVERSE_CLIENT_SECRET"), **place)
else:
    credential = CertificateCredential(certificate_path=setting("CLIENT_CERTIFICATE_FILE"), **place)

with DataverseClient(setting("DATAVERSE_URL"), credential) as dataverse:
    made = dataverse.records.create("contact", {"firstname": "Ana", "lastname": "Ruiz"})
    tell("signedIn", fullname=dataverse.records.retrieve("contact", made, select=["fullname"])["fullname"])
