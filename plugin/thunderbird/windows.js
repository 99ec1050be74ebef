// The small window of a compose tab: opened once, found again, closed with the mail.

const SIZE = { width: 560, height: 680 };
const place = (tabId) => `window:${tabId}`;

/** Opens the window of a compose tab, or goes to it where it is open. */
export async function openWindow(tabId) {
  const known = await windowOf(tabId);
  if (known !== null) {
    await browser.windows.update(known, { focused: true });
    return;
  }
  const url = browser.runtime.getURL(`window/window.html?tab=${tabId}`);
  const made = { type: "popup", url, allowScriptsToClose: true, ...SIZE };
  const { id } = await browser.windows.create(made);
  await browser.storage.session.set({ [place(tabId)]: id });
}

/** The id of its open window, or null. */
export async function windowOf(tabId) {
  const { [place(tabId)]: id } = await browser.storage.session.get(place(tabId));
  const found = id && (await browser.windows.get(id).catch(() => null));
  return found ? id : null;
}

/** Closes it, where it is open. */
export async function closeWindow(tabId) {
  const known = await windowOf(tabId);
  await browser.storage.session.remove(place(tabId));
  if (known !== null) await browser.windows.remove(known).catch(() => {});
}

/** The compose tab whose window this was, or null. */
export async function tabOf(windowId) {
  const all = Object.entries(await browser.storage.session.get());
  const found = all.find(([key, id]) => key.startsWith("window:") && id === windowId);
  return found ? Number(found[0].slice("window:".length)) : null;
}
