// The login: a token once, then a session that the browser holds as a cookie which no script can read.

import { logIn } from "./api.js";
import { html, useEffect, useFocus, useState } from "./lib.js";
import { Problem } from "./ui.js";

/** The form that asks for a token. */
export function Login() {
  const [token, setToken] = useState("");
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const box = useFocus(true);
  useEffect(() => {
    document.title = "Log in · agentbus";
  }, []);
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      await logIn(token.trim());
    } catch (refusal) {
      setProblem(refusal);
      setBusy(false);
      box.current.select();
    }
  };
  return html`<main class="login" id="main">
    <form onSubmit=${submit}>
      <h1>agentbus</h1>
      <p>Log in with an operator's token, or with a viewer's token to look only. On the machine of the bus, the operator's token is in <code>data/operator.token</code>.</p>
      <label class="field"><span>Token</span>
        <input ref=${box} type="password" name="token" required autocomplete="current-password" spellcheck="false" value=${token}
          onInput=${({ target }) => setToken(target.value)} /></label>
      <${Problem} problem=${problem} not="You are not logged in" />
      <footer><button type="submit" class="act" disabled=${busy}>${busy ? "Logging in …" : "Log in"}</button></footer>
    </form>
  </main>`;
}
