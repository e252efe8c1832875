"use strict";
// The page: what the desk knows is drawn, keys and buttons become requests, what is refused is told in its words.

const $ = id => document.getElementById(id);
const el = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};
const NEWS = { lost: "the connection is lost; it is made again by itself", back: "connected", ScheduledCall: "a callback is due",
  RecordCancel: "a record was taken back", EventRinging: "a call rings" };
const ORIGINS = { call: "call", preview: "preview", callback: "callback" };

let busy = false, at = 0;
const ringing = window.ringing = new Ringing();
const desk = new Desk((what, pairs) => {
  if (NEWS[what]) say(NEWS[what], what === "lost");
  if (what === "LogOutTime") say(leavingTold(first(pairs, "GSW_CAMPAIGN_NAME"), first(pairs, "GSW_LOGOUT_TIME")));
  ring(what, pairs);
  if (what === "EventRinging" && $("auto").checked && callIn("RINGING"))
    desk.request("RequestAnswerCall", { ConnID: callIn("RINGING").connId }).catch(error => say(error.message, true));
  if (desk.takenOver) { leavePage("another desktop of this agent has taken over"); return; }
  draw();
});
window.desk = desk;

// a call rings until it is taken; one that is taken by itself, and a callback that is due, sound once
const toneOf = pairs => { const tone = first(pairs, "GSW_RING_TONE"); return typeof tone === "string" ? tone : ""; };
function ring(what, pairs) {
  const call = callIn("RINGING");
  if (what === "ScheduledCall" || what === "EventRinging" && call && $("auto").checked) ringing.once(toneOf(pairs || call.userData));
  else if (call && desk.connected && !$("auto").checked) ringing.start(toneOf(call.userData));
  else if (ringing.tone !== null) ringing.stop();
}

function say(text, failed = false) {
  $("message").textContent = text;
  $("message").className = failed ? "message failed" : "message";
}

// -- dialogs: each a promise; null where the agent leaves it
function ask(title, ...fields) {
  return new Promise(resolve => {
    const form = $("dialog-form");
    const row = el("div", { className: "row" }, el("button", { type: "button", textContent: "Cancel", onclick: () => $("dialog").close() }),
      el("button", { textContent: "OK" }));
    form.replaceChildren(el("h2", { textContent: title }), ...fields, row);
    let answered = null;
    form.onsubmit = () => { answered = new FormData(form); };
    $("dialog").onclose = () => resolve(answered);
    $("dialog").showModal();
    const focused = form.querySelector("input:checked, input, select");
    if (focused) focused.focus();
  });
}

async function choose(title, options) {
  const set = el("fieldset", {}, ...options.map((words, place) => el("label", {},
    el("input", { type: "radio", name: "choice", value: place, checked: place === 0 }), `${place < 9 ? place + 1 : " "}  ${words}`)));
  set.onkeydown = event => {
    const place = Number(event.key) - 1;
    if (place >= 0 && place < Math.min(9, options.length)) {
      event.preventDefault();
      set.querySelectorAll("input")[place].checked = true;
      $("dialog-form").requestSubmit();
    }
  };
  const given = await ask(title, set);
  return given === null ? null : Number(given.get("choice"));
}

async function enter(title, names, values = {}, more = {}) {
  const fields = names.map(name => el("label", { textContent: name }, el("input", { name, value: values[name] ?? "", maxLength: 255, ...more })));
  return ask(title, ...fields);
}

// -- what an agent does: [key, words, whether it can be done now, the doing]
const current = () => [...desk.records.values()][Math.min(at, desk.records.size - 1)];
const callIn = phase => [...desk.calls.values()].find(call => call.phase === phase);
const anyCall = () => callIn("TALKING") || [...desk.calls.values()].pop();
const told = (words, name, attributes) => desk.request(name, attributes).then(() => words);
const COMMANDS = [
  ["r", "ready", () => desk.work !== "ready", ready],
  ["n", "not ready", () => true, notReady],
  ["w", "after-call work", () => desk.work !== "after-call work", () => told("after-call work", "RequestAgentNotReady", { AgentWorkMode: 3 })],
  ["a", "answer", () => callIn("RINGING"), () => told("talking", "RequestAnswerCall", { ConnID: callIn("RINGING").connId })],
  ["h", "hang up", anyCall, () => told("the call is over", "RequestReleaseCall", { ConnID: anyCall().connId })],
  ["o", "hold", () => callIn("TALKING") || callIn("ON HOLD"), hold],
  ["d", "dial", () => !anyCall(), dialByHand],
  ["p", "next record", () => [...desk.campaigns.values()].some(one => one.running && one.mode === "Preview"), nextRecord],
  ["c", "call it", () => current() && !anyCall(), () => dial(current())],
  ["t", "other numbers", () => current() && !anyCall(), otherNumber],
  ["j", "give back", () => current() && !current().connId, () => desk.ask("RecordReject", [], current()).then(() => "given back")],
  ["s", "settle", current, settle],
  ["k", "call back later", current, callBack],
  ["x", "do not call", current, doNotCall],
  ["m", "mute", () => true, () => { ringing.mute(!ringing.muted); return ringing.muted ? "calls ring silently" : "calls ring aloud"; }],
  ["l", "leave campaign", () => desk.campaigns.size, leaveOrComeBack],
  ["q", "log out", () => !anyCall(), logOut],
];

async function run(command) {
  if (busy) { say("one thing at a time: the one before is not answered yet", true); return; }
  busy = true;
  draw();
  try {
    const text = await command();
    if (typeof text === "string") say(text);
  } catch (error) {
    say(error.message, true);
  } finally {
    busy = false;
    draw();
  }
}

async function ready() {
  if ([...desk.records.values()].some(record => record.over)) {
    const choice = await choose("A record has no result yet.", ["Settle it first", "Be ready all the same"]);
    if (choice === null) return "";
    if (choice === 0) return settle();
  }
  await desk.request("RequestAgentReady", { AgentWorkMode: 1 });
  return "ready: calls may come";
}

async function notReady() {
  const codes = desk.prepared.BreakCodes.length ? desk.prepared.BreakCodes : ["Break"];
  const choice = await choose("Why?", codes);
  if (choice === null) return "";
  await desk.request("RequestAgentNotReady", { AgentWorkMode: 4, Reasons: [["ReasonCode", codes[choice]]] });
  return `not ready: ${codes[choice]}`;
}

function hold() {
  const talking = callIn("TALKING");
  if (talking) return told("on hold; o takes it back", "RequestHoldCall", { ConnID: talking.connId });
  return told("talking", "RequestRetrieveCall", { ConnID: callIn("ON HOLD").connId });
}

async function dial(record) {
  await desk.request("RequestMakeCall", { OtherDN: record.phone, UserData: record.pairs });
  return `dialing ${record.phone}`;
}

async function dialByHand() {
  const given = await enter("Which number? + and the country's code first", ["Number"], {}, { inputMode: "tel" });
  const number = given && given.get("Number").trim();
  if (!number) return "";
  await desk.request("RequestMakeCall", { OtherDN: number });
  return `dialing ${number}`;
}

async function nextRecord() {
  const campaigns = [...desk.campaigns.values()].filter(one => one.running && one.mode === "Preview");
  const choice = campaigns.length === 1 ? 0 : await choose("Of which campaign?", campaigns.map(one => one.name));
  if (choice === null) return "";
  const named = [["GSW_CAMPAIGN_NAME", campaigns[choice].name]];
  await desk.ask("PreviewRecordRequest", named).catch(async error => {
    if (!error.message.includes("PreviewDialingModeStart")) throw error;
    await desk.ask("PreviewDialingModeStart", named);       // whoever asks for a record wants previews
    return desk.ask("PreviewRecordRequest", named);
  });
  at = desk.records.size - 1;
  return "c calls it, j gives it back";
}

async function otherNumber() {
  const others = await desk.chain(current());
  if (!others.length) throw new Error("the contact has no other number");
  const choice = await choose("Which number to call?", others.map(one => one.phone));
  return choice === null ? "" : dial(others[choice]);
}

// the form of the record's campaign: what was changed; null where the agent leaves it
async function form(record) {
  const names = (desk.prepared.Scripts[record.campaign] || {}).Form || [];
  if (!names.length) return [];
  const known = Object.fromEntries(record.fields);
  const given = await enter("About the contact", names, known);
  return given && names.filter(name => given.get(name) !== String(known[name] ?? "")).map(name => [name, given.get(name)]);
}

async function settle() {
  const record = current(), results = desk.prepared.Dispositions;
  const choice = await choose("What came of it?", results.map(one => one[0]));
  const fields = choice === null ? null : await form(record);
  if (fields === null) return "";
  await desk.ask("RecordProcessed", [["GSW_CALL_RESULT", results[choice][1]], ...fields], record);
  return `settled: ${results[choice][0]}`;
}

// the customer's own clock, as a Date whose UTC fields are its hands
const theirTime = record => new Date(Date.now() + 1000 * (record.offset || 0));

async function callBack() {
  const record = current(), tomorrow = new Date(theirTime(record).getTime() + 86400000);
  const when = el("label", { textContent: `When, by the customer's clock (${record.zone || "UTC"})` },
    el("input", { type: "datetime-local", name: "when", required: true, value: `${tomorrow.toISOString().slice(0, 10)}T10:00` }));
  const who = el("label", { textContent: "By whom" }, el("select", { name: "who" },
    el("option", { value: "Campaign", textContent: "any agent of the campaign" }), el("option", { value: "Personal", textContent: "me" })));
  const given = await ask("Call back later", when, who);
  const fields = given === null ? null : await form(record);
  if (fields === null) return "";
  const [date, time] = given.get("when").split("T"), [year, month, day] = date.split("-");
  const at = `${month}/${day}/${year} ${time.slice(0, 5)}`;
  await desk.ask("RecordReschedule", [["GSW_DATE_TIME", at], ["GSW_CALLBACK_TYPE", given.get("who")], ...fields], record);
  return `callback at ${at}`;
}

async function doNotCall() {
  const record = current();
  const choice = await choose("Do not call any more", [`This number, ${record.phone}`, "Every number of this contact", "Nothing"]);
  if (choice === null || choice === 2) return "";
  await desk.ask("DoNotCall", [["GSW_CHAIN_ATTR", choice ? "AllChain" : "RecordOnly"]], record);
  return `${record.phone} is not called any more`;
}

const leavingTold = (campaign, seconds) => seconds ? `leaving ${campaign}: calls may still come for ${seconds} s`
  : `leaving ${campaign}: what is at hand is to be settled first`;

// what is at hand may have to be settled first, so the answer is not waited for
const leaveCampaign = name => desk.ask("LogOut", [["GSW_CAMPAIGN_NAME", name]]);

async function leaveOrComeBack() {
  const campaigns = [...desk.campaigns.values()];
  const choice = campaigns.length === 1 ? 0 : await choose("Which campaign?",
    campaigns.map(one => `${one.attendance === "there" ? "Leave" : "Come back to"} ${one.name}`));
  if (choice === null) return "";
  const { name, attendance } = campaigns[choice];
  if (attendance !== "there") {
    await desk.ask("PreviewDialingModeStart", [["GSW_CAMPAIGN_NAME", name]]);
    return `back in ${name}`;
  }
  leaveCampaign(name).then(() => { say(`${name} is left: nothing comes from there any more; l comes back`); draw(); },
    error => { say(error.message, true); draw(); });
  return `leaving ${name}`;
}

async function logOut() {
  if ([...desk.records.values()].some(record => record.over)) {
    const choice = await choose("A record has no result yet.", ["Stay", "Leave all the same"]);
    if (choice !== 1) return "";
  }
  const coming = [...desk.campaigns.values()].filter(one => one.running && one.attendance !== "left");
  if (coming.length && desk.connected && desk.work === "ready") {
    const choice = await choose("Calls may be on their way to you.", ["Log out as soon as none is", "Log out now"]);
    if (choice === null) return "";
    if (choice === 0) {
      Promise.all(coming.map(one => leaveCampaign(one.name))).then(() => {
        if (busy || anyCall()) say("no call can come any more: q logs out"); else run(goAway);
      }, error => { say(error.message, true); draw(); });
      return "logged out as soon as no call can come";
    }
  }
  return goAway();
}

async function goAway() {
  await desk.leave();
  leavePage("logged out");
  return "";
}

// -- what is seen
const standing = campaign => campaign.attendance !== "there" ? `, ${campaign.attendance}` : campaign.running ? "" : ", stopped";

function draw() {
  const state = !desk.connected ? "no connection, trying again" : desk.reason ? `${desk.work}: ${desk.reason}` : desk.work;
  $("state").className = !desk.connected || !desk.switchUp ? "bad" : desk.work === "ready" ? "ready" : "away";
  $("who").textContent = `${desk.agentId || desk.agent} at ${desk.dn}`;
  $("work").textContent = state.toUpperCase() + (desk.connected && !desk.switchUp ? " (the switch is away)" : "");
  $("campaigns").textContent = [...desk.campaigns.values()].map(one => `${one.name} ${one.mode}${standing(one)}`).join(" · ");
  for (const [key, , can] of COMMANDS) $(`key-${key}`).disabled = busy || !desk.connected || !can();
  $("calls").replaceChildren(...[...desk.calls.values()].map(call => el("div", { className: `call ${call.phase.replace(" ", "-")}`,
    textContent: `${call.phase}  ${call.number || "unknown number"}${rings(call)}` })));
  $("key-m").setAttribute("aria-pressed", ringing.muted);
  drawRecord();
  tick();
}

function rings(call) {
  if (call.phase !== "RINGING") return "";
  const tone = toneOf(call.userData);
  return `${tone ? `  (tone ${tone})` : ""}${ringing.muted ? "  muted" : ""}`;
}

function drawRecord() {
  const record = current();
  if (!record) {
    $("record").replaceChildren(el("p", { textContent: "no record at hand" }));
    $("script").textContent = "";
    return;
  }
  const stands = record.over ? "to be settled" : record.connId ? "in a call" : "not dialed yet";
  const place = desk.records.size > 1 ? `${Math.min(at, desk.records.size - 1) + 1} of ${desk.records.size}: ` : "";
  const time = record.offset === undefined ? "unknown" : theirTime(record).toUTCString().slice(17, 22);
  const rows = [["campaign", `${record.campaign}, ${ORIGINS[record.origin]}, ${stands}`], ["local time", `${time} (${record.zone || "zone unknown"})`],
    ["attempts so far", record.attempts], ...(record.caller ? [["shown as the caller", record.caller]] : []), ...record.fields];
  $("record").replaceChildren(el("h2", { textContent: place + record.phone }), el("table", {}, el("tbody", {}, ...rows.map(
    ([name, value]) => el("tr", {}, el("th", { textContent: name, scope: "row" }), el("td", { textContent: String(value) }))))));
  const values = Object.fromEntries([...record.pairs].reverse());
  $("script").textContent = ((desk.prepared.Scripts[record.campaign] || {}).Text || "").replace(/\{([^{}\n]{1,64})\}/g,
    (whole, name) => values[name] === undefined ? whole : String(values[name]));
}

function tick() {
  const seconds = Math.max(0, Math.floor((Date.now() - desk.since) / 1000));
  $("since").textContent = `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
}

function leavePage(text) {
  ringing.stop();
  $("workplace").hidden = true;
  $("login").hidden = false;
  $("login-message").textContent = text;
  $("password").value = "";
  $("password").focus();
}

// -- the beginning
$("keys").append(...COMMANDS.map(([key, words, , act]) => el("button", { id: `key-${key}`, type: "button", onclick: () => run(act) },
  el("kbd", { textContent: key }), ` ${words}`)));

document.addEventListener("keydown", event => {
  if ($("workplace").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
  if ($("dialog").open) {
    const ringing = callIn("RINGING");          // nobody waits until an agent has chosen
    if (event.key === "a" && ringing && event.target.type !== "text")
      desk.request("RequestAnswerCall", { ConnID: ringing.connId }).catch(error => say(error.message, true));
    return;
  }
  if (event.key === "Tab" && !event.shiftKey && desk.records.size > 1 && event.target === document.body) {
    event.preventDefault();
    at = (at + 1) % desk.records.size;
    draw();
    return;
  }
  const command = COMMANDS.find(one => one[0] === event.key);
  if (!command) return;
  event.preventDefault();
  if (!desk.connected) say("no connection", true);
  else if (!command[2]()) say(`${command[1]}: there is nothing to do it with now`, true);
  else run(command[3]);
});

$("login-form").addEventListener("submit", async event => {
  event.preventDefault();
  $("login-button").disabled = true;
  $("login-message").textContent = "";
  ringing.unlock();
  try {
    const settings = await (await fetch("/desktop/settings.json")).json();
    desk.takenOver = false;
    const address = `${settings.tls ? "wss" : "ws"}://${location.hostname}:${settings.port}/desktop`;
    await desk.open(address, $("agent").value.trim(), $("password").value, $("dn").value.trim(), $("queue").value.trim());
    $("login").hidden = true;
    $("workplace").hidden = false;
    document.activeElement.blur();
    say("logged in: r makes you ready");
    draw();
  } catch (error) {
    $("login-message").textContent = error.message;
  } finally {
    $("login-button").disabled = false;
  }
});
setInterval(() => { if (!$("workplace").hidden) tick(); }, 1000);
window.addEventListener("beforeunload", event => { if (desk.calls.size) event.preventDefault(); });
// Only now can the page do something about it: who is quick with Enter would send the form away.
$("login-button").textContent = "Log in";
$("login-button").disabled = false;
