// The events of Thunderbird, each handed to its owner.

import { beforeSend } from "./sent.js";
import { forget, sessionOf } from "./session.js";
import { closeWindow, openWindow, tabOf, windowOf } from "./windows.js";

browser.composeAction.onClicked.addListener((tab) => openWindow(tab.id));

// --- the window ----------------------------------------------------------------------------------

const PORT = /^window:(\d+)$/u;
const ACTIONS = new Set(["opened", "typed", "tick", "draft", "cancel", "insert", "takeBack"]);

browser.runtime.onConnect.addListener(async (port) => {
  const [, tab] = PORT.exec(port.name) ?? [];
  if (tab === undefined || port.sender.id !== browser.runtime.id) return;
  const loading = sessionOf(Number(tab));
  port.onMessage.addListener(async (message) => act(await loading, message));
  const session = await loading;
  const leave = session.watch((state) => port.postMessage({ state }));
  port.onDisconnect.addListener(leave);
});

function act(session, { action, ...what }) {
  return ACTIONS.has(action) ? session[action](what) : undefined;
}

/** A window that outlived its mail, to tell what was noticed, was the last thing of the session. */
browser.windows.onRemoved.addListener(async (windowId) => {
  const tabId = await tabOf(windowId);
  if (tabId === null) return;
  await closeWindow(tabId);
  const tab = await browser.tabs.get(tabId).catch(() => null);
  if (tab === null) await forget(tabId);
});

// --- the mail ------------------------------------------------------------------------------------

browser.compose.onBeforeSend.addListener(async (tab, details) => {
  const session = await sessionOf(tab.id);
  const { change, report } = await beforeSend(tab.id, details, session.state.inserted);
  await session.leaving(report);
  return { details: change };
});

browser.compose.onAfterSend.addListener(async (tab, { error, headerMessageId }) => {
  const session = await sessionOf(tab.id);
  if (error) await session.leaving(null);
  else await session.sent(headerMessageId);
  if (!error && (await windowOf(tab.id)) === null) await forget(tab.id);
});

/** Of a mail that is sent there is still something to say; without one its window goes, too. */
browser.tabs.onRemoved.addListener(async (tabId) => {
  if ((await sessionOf(tabId)).state.sending) return;
  await forget(tabId);
  await closeWindow(tabId);
});
