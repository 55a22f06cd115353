/** What Marketo shows to whoever installs the flow step, and to campaign authors. */
export const INSTRUCTIONS = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Sync Person to Dynamics</title></head>
<body>
<h1>Sync Person to Dynamics</h1>
<p>Creates a lead or contact in Dynamics 365 for a person who has none, or links the one that is there already. A person
who has a record stays as it is: this step never forces a sync.</p>
<h2>To install</h2>
<ol>
<li>Incoming fields: map <code>dynamicsId</code> to Dynamics Id and <code>dynamicsType</code> to Dynamics Type, and make
both active.</li>
<li>Outgoing fields: none is needed.</li>
</ol>
<h2>In a campaign</h2>
<ul>
<li><strong>Trigger campaigns run in real time</strong>: the record is there a moment after the step. Use them where
sales wait for it.</li>
<li>Batch campaigns are worked off in bulk, behind requests in real time.</li>
<li><strong>Sync As</strong>: lead or contact. <strong>Assign To</strong>: a user or team; empty leaves it to
Dynamics.</li>
<li>The person waits in the step until the record is there, or until it is certain that there will be none.</li>
<li>The next step may ask the filter <em>Person Was Synced to Dynamics</em> for the attribute Dynamics Outcome:
<code>created</code>, <code>linked</code>, <code>already-there</code>; or <code>refused</code>, <code>ambiguous</code>,
<code>merged-away</code>, <code>out-of-scope</code>, <code>not-found</code>, with the reason.</li>
</ul>
</body>
</html>
`;
