/**
 * The field selection of a new installation: what Marketo's own Dynamics sync maps by default (Adobe product docs,
 * "Default Dynamics field mapping"), as far as it is columns of the lead and contact tables themselves. `sync.config.yaml`
 * in the root holds the same text.
 */
export const DEFAULT_CONFIG = `# yaml-language-server: $schema=./config/sync.config.schema.json
# Which fields are synced, and how. Every key is explained in docs/configuration.md.

# One row per person field: \`marketo\` is its REST name, \`lead\` and \`contact\` are columns of the Dynamics tables.
# A table without a column in a row does not sync that field. Nothing outside this list is read or written.
fields:
  # Who
  - { marketo: salutation, lead: salutation, contact: salutation }
  - { marketo: firstName, lead: firstname, contact: firstname }
  - { marketo: middleName, lead: middlename, contact: middlename }
  - { marketo: lastName, lead: lastname, contact: lastname }
  - { marketo: title, lead: jobtitle, contact: jobtitle }
  - { marketo: department, contact: department }
  - { marketo: dateOfBirth, contact: birthdate }

  # How to reach them
  - { marketo: email, lead: emailaddress1, contact: emailaddress1 }
  - { marketo: phone, lead: telephone1, contact: telephone1 }
  - { marketo: mobilePhone, lead: mobilephone, contact: mobilephone }
  - { marketo: fax, lead: fax, contact: fax }
  - { marketo: address, lead: address1_line1, contact: address1_line1 }
  - { marketo: city, lead: address1_city, contact: address1_city }
  - { marketo: state, lead: address1_stateorprovince, contact: address1_stateorprovince }
  - { marketo: country, lead: address1_country, contact: address1_country }
  - { marketo: postalCode, lead: address1_postalcode, contact: address1_postalcode }

  # What they allow. Opt-outs: where nothing is agreed yet, the most restrictive value wins.
  - { marketo: unsubscribed, lead: donotbulkemail, contact: donotbulkemail, consent: true }
  - { marketo: doNotCall, lead: donotphone, contact: donotphone, consent: true }

  # The company of a lead; a contact's company is its account, which is not synced.
  - { marketo: company, lead: companyname }
  - { marketo: industry, lead: industrycode }
  - { marketo: numberOfEmployees, lead: numberofemployees }
  - { marketo: annualRevenue, lead: revenue }

  # Qualification
  - { marketo: leadSource, lead: leadsourcecode }
  - { marketo: rating, lead: leadqualitycode }
  - { marketo: mktoPersonNotes, lead: description, contact: description }
  # Custom columns of the demo: remove these two where your environment has none.
  - { marketo: leadScore, lead: new_score, contact: new_score, direction: toDynamics }
  - { marketo: lastDemoAt, lead: new_lastdemoon, contact: new_lastdemoon }

# A person deleted in Marketo stays deleted when the row in Dynamics is edited later: keep. The opposite: recreate.
onMarketoDelete: keep

# Share of each side's API limits that the sync may use.
budget:
  marketo: { share: 0.5 }
  dynamics: { share: 0.8 }

timing:
  # How far back Marketo's log is read again in each cycle: entries can appear late.
  overlap: 5m
  # How long after its deadline a creation without an answer is in doubt, before it is looked up.
  doubt: 2m
`;
