// The start of the console. It reads who is logged in, starts the news, and shows the page of the address in the frame.
//
// The console is a client of the contract, as the command line is: it calls operations on /v1 and has none of its own.
// There is no build step. A page is one file and one line in pages.js, where its parts are explained.

import { readSession, session } from "./api.js";
import { Frame, needsRead } from "./frame.js";
import { startKeys } from "./keys.js";
import { Component, html, render, useCell, useEffect, useLayoutEffect, useState } from "./lib.js";
import { startLive } from "./live.js";
import { Login } from "./login.js";
import { pageOf } from "./pages.js";
import { readEarly, startReads } from "./reads.js";
import { address, route, startRouter } from "./router.js";
import { pausesRead } from "./stops.js";
import "./theme.js";
import { Problem, Text } from "./ui.js";

function App() {
  const visitor = useCell(session);
  return visitor ? html`<${Page} />` : html`<${Login} />`;
}

/** Shows the failure of a page in place of the page, so that the frame with its acts stays. */
class Guard extends Component {
  componentDidCatch(failure) {
    console.error(failure);
    this.setState({ failure });
  }
  render({ children }, { failure }) {
    return failure ? html`<${Problem} problem=${failure} not="This page was not shown" again=${() => location.reload()} />` : children;
  }
}

/** The page of the address. Its file is loaded when it is first shown. */
function Page() {
  const { path, query } = useCell(route);
  const found = pageOf(path);
  const [loaded, setLoaded] = useState({});
  useEffect(() => {
    startOnce();
  }, []);
  // Before the browser paints: a page whose file is there already appears together with the frame.
  useLayoutEffect(() => {
    let wanted = true;
    found?.load().then(
      (module) => wanted && setLoaded({ of: found.load, View: module.default }),
      (problem) => wanted && setLoaded({ of: found.load, problem }),
    );
    return () => {
      wanted = false;
    };
  }, [found?.load]);
  if (!found) {
    return html`<${Frame} title="No such page">
      <p class="lead">There is no page <code><${Text}>${location.pathname}<//></code>.</p>
      <p>The way back: <a href=${address(["needs-me"])}>Needs me</a>. The key / searches.</p>
    <//>`;
  }
  const ready = loaded.of === found.load;
  return html`<${Frame} title=${found.title}>
    ${ready && loaded.problem && html`<${Problem} problem=${loaded.problem} not="This page was not loaded; the bus may have been updated" again=${() => location.reload()} />`}
    ${ready && loaded.View && html`<${Guard} key=${path.join("/")}><${loaded.View} id=${found.id} query=${query} /><//>`}
  <//>`;
}

let started = false;

/** The stream and the reads need a session, so they start with the first page after the login. */
function startOnce() {
  if (!started) {
    started = true;
    startLive();
    startReads();
    startKeys();
  }
}

async function start() {
  startRouter();
  // The page's file and the answers of the frame are on their way while the bus says who is logged in. Page and frame ask
  // again where that fails, and show the failure.
  pageOf(route.get().path)?.load().catch(() => {});
  readEarly(...needsRead());
  readEarly(...pausesRead());
  const root = document.getElementById("app");
  try {
    await readSession();
    render(html`<${App} />`, root);
  } catch (problem) {
    render(html`<${Problem} problem=${problem} not="The console did not start" again=${() => location.reload()} />`, root);
  }
}

start();
