// The vaults: the last export, the last comparison with the database, and the notes that people have edited.

import { count, counted, duration } from "./format.js";
import { html } from "./lib.js";
import { Views } from "./page-idle.js";
import { useRead, WIDE_GAP_MS } from "./reads.js";
import { Answer, Facts, Section, Table, Text, Time } from "./ui.js";

export default function VaultPage() {
  const read = useRead("listVaults", {}, ["agents", "jobs"], WIDE_GAP_MS);
  return html`
    <div class="tools"><${Views} /></div>
    <p class="quiet">A vault is a folder of Markdown with what the fleet knows, for Obsidian or any editor. Its files are on the host of the bus.</p>
    <${Answer} read=${read} not="The vaults were not read">
      ${({ vaults }) =>
        vaults.length === 0
          ? html`<p>No vault was written yet. The bus writes one at night, from phase 5 on; the command <code>agentbus export-vault</code> writes one now.</p>`
          : vaults.map((vault) => html`<${Vault} key=${vault.vaultId} vault=${vault} />`)}
    <//>`;
}

const Vault = ({ vault }) => html`<${Section} id=${vault.vaultId} title=${html`<${Text}>${vault.directory}<//>`}>
  ${vault.exportError && html`<p class="attention">The last export has failed, <${Time} at=${vault.exportFailedAt} />: <${Text}>${vault.exportError}<//></p>`}
  <${Facts} facts=${[
    ["Exported", vault.exportedAt ? html`<${Time} at=${vault.exportedAt} />, in ${duration(vault.exportSeconds)}` : "never"],
    ["Notes", `${count(vault.notes)}, of which the last export has written ${count(vault.written)}`],
    ["Rows that are gone", vault.tombstones > 0 && counted(vault.tombstones, "note")],
    ["Compared", vault.verifiedAt ? html`<${Time} at=${vault.verifiedAt} />: ${vault.differences > 0 ? html`<span class="attention">${counted(vault.differences, "difference")}</span>` : "it agrees with the database"}` : "not yet"],
  ]} />
  ${vault.differences > 0 && html`<${Table} label="Differences" rows=${vault.differenceList} keyOf=${({ path, kind }) => `${kind} ${path}`} columns=${[
    { title: "Note", kind: "main", cell: ({ path }) => html`<${Text}>${path}<//>` },
    { title: "Difference", cell: ({ kind }) => kind },
    { title: "What was found", kind: "wide", cell: ({ text }) => html`<${Text}>${text}<//>` },
  ]} /><p class="quiet">The command <code>agentbus verify-vault</code> lists all of them.</p>`}
  ${vault.edited > 0 && html`<h3>${counted(vault.edited, "note")} edited by people</h3>
    <p class="quiet">The bus leaves ${vault.edited > 1 ? "them as they are" : "it as it is"}. The command <code>agentbus import-vault</code> shows what each edit would do.</p>
    <${Table} label="Edited notes" rows=${vault.editedNotes} keyOf=${({ path }) => path} columns=${[
      { title: "Note", kind: "main wide", cell: ({ path }) => html`<${Text}>${path}<//>` },
      { title: "Edited", cell: ({ editedAt }) => html`<${Time} at=${editedAt} inRow />` },
      { title: "The newer text", kind: "wide", cell: ({ conflictPath }) => conflictPath && html`<${Text}>${conflictPath}<//>` },
    ]} />`}
<//>`;
