// The user's word on two things: encrypted mail, and identities whose address no account has.

import { call } from "../transport.js";

const at = (id) => document.getElementById(id);
const element = (name, properties) => Object.assign(document.createElement(name), properties);

async function begin() {
  for (const each of document.querySelectorAll("[data-i18n]")) {
    each.textContent = browser.i18n.getMessage(each.dataset.i18n);
  }
  const settings = await browser.storage.local.get({ encrypted: false, accounts: {} });
  at("encrypted").checked = settings.encrypted;
  at("encrypted").addEventListener("change", ({ target }) =>
    browser.storage.local.set({ encrypted: target.checked }),
  );
  await showIdentities(settings.accounts);
}

async function showIdentities(chosen) {
  try {
    const [{ accounts }, identities] = await Promise.all([
      call("GET", "/v1/status"),
      browser.identities.list(),
    ]);
    const known = new Set(accounts.flatMap((account) => account.addresses));
    const others = identities.filter(({ email }) => !known.has(email.toLowerCase()));
    at("identities").replaceChildren(...others.map((one) => identityItem(one, accounts, chosen)));
  } catch (error) {
    at("trouble").textContent = error.message;
    at("trouble").hidden = false;
  }
}

function identityItem({ id, email }, accounts, chosen) {
  const select = element("select", {});
  const names = ["", ...accounts.map((account) => account.account)];
  select.append(...names.map((name) => new Option(name || browser.i18n.getMessage("noneOfThem"), name)));
  select.value = chosen[id] ?? "";
  select.addEventListener("change", () => choose(id, select.value));
  const label = element("label", {});
  label.append(element("span", { textContent: email }), select);
  const item = element("li", {});
  item.append(label);
  return item;
}

async function choose(id, account) {
  const { accounts } = await browser.storage.local.get({ accounts: {} });
  await browser.storage.local.set({ accounts: { ...accounts, [id]: account } });
}

begin();
