// What was noticed of the last mail, for a user whose window was closed: the button says so, and the
// next window shows it. No notification: that would be too loud.

const PLACE = "noticed";

/** Keep it for the next window. */
export async function keepNoticed(noticed) {
  await browser.storage.session.set({ [PLACE]: noticed });
  const title = browser.i18n.getMessage(noticed.key, noticed.values);
  await Promise.all([
    browser.composeAction.setTitle({ title }),
    browser.composeAction.setBadgeText({ text: "✓" }),
  ]);
}

/** What was kept, once; null without any. */
export async function takeNoticed() {
  const { [PLACE]: noticed } = await browser.storage.session.get(PLACE);
  if (!noticed) return null;
  await Promise.all([
    browser.storage.session.remove(PLACE),
    browser.composeAction.setTitle({ title: null }),
    browser.composeAction.setBadgeText({ text: null }),
  ]);
  return noticed;
}
