// The events of Thunderbird, each handed to its owner.

import { beforeSend } from "./sent.js";
import { forget, sessionOf } from "./session.js";

const PORT = /^window:(\d+)$/u;
const SIZE = { width: 560, height: 680 };

browser.composeAction.onClicked.addListener((tab) => openWindow(tab.id));

async function openWindow(tabId) {
  const place = `window:${tabId}`;
  const { [place]: known } = await browser.storage.session.get(place);
  const shown = known && (await browser.windows.update(known, { focused: true }).catch(() => null));
  if (!shown) {
    const url = browser.runtime.getURL(`window/window.html?tab=${tabId}`);
    const made = { type: "popup", url, allowScriptsToClose: true, ...SIZE };
    const { id } = await browser.windows.create(made);
    await browser.storage.session.set({ [place]: id });
  }
}

browser.runtime.onConnect.addListener(async (port) => {
  const [, tab] = PORT.exec(port.name) ?? [];
  if (tab === undefined || port.sender.id !== browser.runtime.id) return;
  const session = sessionOf(Number(tab));
  port.onMessage.addListener(async (message) => act(await session, message));
  const loaded = await session;
  const leave = loaded.watch((state) => port.postMessage({ state }));
  port.onDisconnect.addListener(leave);
});

const ACTIONS = new Set(["opened", "typed", "tick", "draft", "cancel", "insert", "takeBack"]);

function act(session, { action, ...what }) {
  return ACTIONS.has(action) ? session[action](what) : undefined;
}

// --- sending -------------------------------------------------------------------------------------

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
  if (!error && !session.watched) await forget(tab.id);
});

/** Of a mail that is sent there is still something to say; without one its window goes, too. */
browser.tabs.onRemoved.addListener(async (tabId) => {
  const place = `window:${tabId}`;
  const { [place]: known } = await browser.storage.session.get(place);
  await browser.storage.session.remove(place);
  if ((await sessionOf(tabId)).state.sending) return;
  await forget(tabId);
  if (known) await browser.windows.remove(known).catch(() => {});
});
