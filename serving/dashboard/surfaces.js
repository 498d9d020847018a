// The five surfaces for one user: loaded before page.js, whose functions it uses. No item stands in two of them.
"use strict";

function reasons(row) {
  const cell = element("td");
  for (const { signal, contribution } of row.reasons) {
    if (Math.abs(contribution) >= 0.005) cell.append(element("span", `${signal} ${contribution.toFixed(2)}`, `reason ${signal}`));
  }
  return cell;
}

function clickCell(row, place) {
  const cell = element("td", undefined, "n");
  for (const [type, text] of [["click", "Click"], ["cart_add", "Cart"]]) {
    const button = element("button", text, "act");
    button.setAttribute("aria-label", `send ${type} of ${row.item_id}`);
    button.dataset.focus = `${type}:${place}:${row.item_id}`;
    button.onclick = () => send(type, row.item_id);
    cell.append(button);
  }
  return cell;
}

function showList(name, list, what) {
  learnTitles(list.items);
  fill(ask(name), list.items, (row) => [
    element("td", row.rank), itemCell(row, name), element("td", row.score.toFixed(3), "n"), reasons(row), clickCell(row, name),
  ], "nothing yet");
  ask(`${name}-note`).textContent = list.fallback ? `${what}; stands in: ${list.fallback}` : what;
}

async function showSurfaces() {
  const user = ask("user").value.trim();
  if (!user) return;
  const path = `/v1/users/${encodeURIComponent(user)}`;
  const shown = [];
  const list = async (start, limit) => {
    const exclude = shown.map((id) => `&exclude=${encodeURIComponent(id)}`).join("");
    const found = await call(`${start}${start.includes("?") ? "&" : "?"}limit=${limit}&explain=true${exclude}`);
    shown.push(...found.items.map((row) => row.item_id));
    return found;
  };
  const profile = await call(`${path}/profile`);
  const forYou = await list(`${path}/recommendations/for-you`, 8);
  const now = await list(`${path}/recommendations/now`, 6);
  const trending = await list(`${path}/recommendations/trending`, 6);
  const viewed = profile.last.viewed[0] || shown[0];
  const inCart = profile.cart[0] || viewed;
  const beside = (item, kind) => list(`/v1/items/${encodeURIComponent(item)}/${kind}?user_id=${encodeURIComponent(user)}`, 6);
  const related = inCart ? await beside(inCart, "related") : { items: [], fallback: "none" };
  const similar = viewed ? await beside(viewed, "similar") : { items: [], fallback: "none" };
  if (user !== ask("user").value.trim()) return;
  showList("for-you", forYou, "the model's, where you look");
  showList("now", now, "what the last items lead to");
  showList("trending", trending, "popular now, by your taste");
  const first = profile.last.viewed.length ? "" : " (nothing viewed yet: the first of For You)";
  showList("related", related, `goes with ${profile.cart.length ? "the cart" : inCart + first}`);
  showList("similar", similar, `instead of ${viewed}${first}`);
  const model = forYou.fallback ? `no model knows this user: ${forYou.fallback}` : `model ${forYou.model_version}`;
  const top = profile.categories.slice(0, 3).map((c) => `${c.category} ${Math.round(c.weight * 100)} %`).join(", ");
  ask("for-you-note").textContent = `${model} · ${top || "no interest known yet: click on an item anywhere on this page"}`;
}
