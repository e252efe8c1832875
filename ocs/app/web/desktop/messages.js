"use strict";
// The connection: JSON messages on a WebSocket, requests as promises, and what they change. No document here.
// Source: docs/desktop-port.md, docs/desktop-protocol.md.

const REQUEST_TIMEOUT_MS = 15000;
// requests about records, and the event that completes each
const COMPLETED_BY = {
  PreviewRecordRequest: "PreviewRecord", ChainedRecordRequest: "ChainedRecordsDataEnd", RecordProcessed: "RecordProcessedAcknowledge",
  RecordReject: "RecordRejectAcknowledge", RecordReschedule: "RecordRescheduleAcknowledge", DoNotCall: "DoNotCallAcknowledge",
  CampaignStatusRequest: "", PreviewDialingModeStart: "PreviewDialingModeStartAcknowledge", LogOut: "LogOutAcknowledge",
};
const LEAVING_TIMEOUT_MS = 3600000;     // longer than a server lets a record lie with an agent
// whether the agent takes part in a campaign, by what was heard last
const ATTENDANCE = { LogOutTime: "leaving", LogOutAcknowledge: "left", PreviewDialingModeStartAcknowledge: "there" };
const SETTLES = new Set(["RecordProcessedAcknowledge", "RecordRejectAcknowledge", "RecordRescheduleAcknowledge",
  "ScheduledRecordRescheduleAcknowledge", "DoNotCallAcknowledge", "RecordCancelAcknowledge", "RecordCancel"]);
const CONTROL = /^(GSW_|InteractionType$|InteractionSubtype$|contact_info$)/;
const RECORD_NOT_FOUND = 6;
const first = (pairs, key) => { const found = (pairs || []).find(pair => pair[0] === key); return found && found[1]; };

class Refused extends Error {
  constructor(code, text) { super(text); this.code = code; }
}

// What the agent's desk knows. `changed(what)` is called after each change.
class Desk {
  constructor(changed) {
    this.changed = changed;
    this.connected = this.switchUp = this.takenOver = false;
    this.agent = this.dn = this.queue = this.password = "";
    this.work = "logged out"; this.reason = ""; this.since = Date.now();
    this.calls = new Map(); this.records = new Map(); this.campaigns = new Map();
    this.applicationId = 0; this.prepared = { BreakCodes: [], Dispositions: [], Scripts: {} };
    this.waiting = new Map(); this.asked = new Map(); this.chained = [];
    this.referenceId = 0; this.wanted = false; this.failures = 0;
  }

  // -- the connection
  async open(address, agent, password, dn, queue) {
    Object.assign(this, { address, agent, password, dn, queue });
    await this.connect();
    this.wanted = true;
  }

  connect() {
    return new Promise((resolve, reject) => {
      const socket = this.socket = new WebSocket(this.address);
      let opened = false;
      socket.onopen = () => this.enter().then(() => { opened = true; this.failures = 0; resolve(); }, error => { reject(error); socket.close(); });
      socket.onmessage = frame => { if (socket === this.socket) this.receive(JSON.parse(frame.data)); };
      socket.onclose = () => {
        if (!opened) reject(new Error("the server cannot be reached, or closed the connection"));
        if (socket === this.socket) this.lost();
      };
    });
  }

  async enter() {
    const answer = await this.request("RequestRegisterClient",
      { ApplicationName: this.agent, ApplicationPassword: this.password, ProtocolVersion: "1" });
    this.applicationId = answer.attributes.ApplicationDBID;
    this.agentId = answer.attributes.AgentID;
    this.connected = true;
    this.switchUp = answer.name === "EventLinkConnected";
    this.prepared = (await this.request("RequestQueryDesktop")).attributes;
    const login = { ThisDN: this.dn, AgentPassword: this.password };
    if (this.queue) login.ThisQueue = this.queue;
    await this.request("RequestAgentLogin", login);
    await this.look();
    await this.ask("CampaignStatusRequest", []).catch(() => undefined);      // of no campaign
  }

  async look() {
    await this.request("RequestRegisterAddress");
    for (const call of this.calls.values())
      if (!call.userData.length) await this.request("RequestQueryCall", { ConnID: call.connId }).catch(() => undefined);
  }

  lost() {
    const before = this.connected;
    this.connected = this.switchUp = false;
    for (const waiting of [...this.waiting.values(), ...this.asked.values()]) {
      clearTimeout(waiting.timer);
      waiting.reject(new Error("the connection is lost; what was under way may have been done"));
    }
    this.waiting.clear(); this.asked.clear();
    if (before) this.changed("lost");
    if (this.wanted && !this.takenOver) {
      const pause = Math.min(20000, 500 * 2 ** Math.min(this.failures++, 6)) * (0.5 + Math.random());
      setTimeout(() => this.wanted && this.connect().then(() => this.changed("back"), () => undefined), pause);
    }
  }

  async leave() {
    this.wanted = false;
    if (this.connected) await this.request("RequestAgentLogout");
    this.socket.close();
  }

  // -- requests: promises of the answer; refused with its code and text
  request(name, attributes = {}) {
    return new Promise((resolve, reject) => {
      if (!this.socket || this.socket.readyState !== WebSocket.OPEN) { reject(new Error("no connection")); return; }
      const referenceId = ++this.referenceId;
      const timer = setTimeout(() => {
        this.waiting.delete(referenceId);
        reject(new Error(`${name} was not answered; whether it was done is not known`));
      }, REQUEST_TIMEOUT_MS);
      this.waiting.set(referenceId, { resolve, reject, timer });
      this.socket.send(JSON.stringify([name, referenceId, attributes]));
    });
  }

  ask(name, pairs, record) {
    return new Promise((resolve, reject) => {
      const referenceId = ++this.referenceId;
      const overdue = () => { this.asked.delete(referenceId); reject(new Error(`${name} was not answered`)); };
      this.asked.set(referenceId, { name, resolve, overdue, timer: setTimeout(overdue, REQUEST_TIMEOUT_MS), reject: error => {
        if (record && error.code === RECORD_NOT_FOUND) { this.records.delete(record.handle); this.changed("record"); }
        reject(error);
      } });
      const named = record ? [["GSW_CAMPAIGN_NAME", record.campaign], ["GSW_RECORD_HANDLE", record.handle]] : [];
      const data = [["GSW_AGENT_REQ_TYPE", name], ["GSW_APPLICATION_ID", this.applicationId], ["GSW_REFERENCE_ID", referenceId],
        ...named, ...pairs];
      this.request("RequestDistributeUserEvent", { UserData: data }).catch(error => {
        const asked = this.asked.get(referenceId);
        if (asked) { clearTimeout(asked.timer); this.asked.delete(referenceId); asked.reject(error); }
      });
    });
  }

  async chain(record) {
    this.chained = [];
    await this.ask("ChainedRecordRequest", [], record);
    return this.chained.filter(one => one.phone);
  }

  // -- messages
  receive([name, referenceId, attributes]) {
    if (name === "Ping") { this.socket.send(JSON.stringify(["Pong", referenceId, {}])); return; }
    const waiting = referenceId ? this.waiting.get(referenceId) : undefined;
    if (waiting) { this.waiting.delete(referenceId); clearTimeout(waiting.timer); }
    if (name === "EventError") {
      if (waiting) waiting.reject(new Refused(attributes.ErrorCode, attributes.ErrorMessage));
      return;
    }
    this.heard(name, attributes);
    if (waiting) waiting.resolve({ name, attributes });
  }

  heard(name, a) {
    const act = {
      EventLinkConnected: () => { this.switchUp = true; if (this.wanted) this.look().catch(() => undefined); },
      EventLinkDisconnected: () => { this.switchUp = false; },
      EventAgentLogin: () => { if (this.work === "logged out") this.is("not ready"); },
      EventAgentReady: () => this.is("ready"),
      EventAgentNotReady: () => this.is(a.AgentWorkMode === 3 ? "after-call work" : "not ready", first(a.Reasons, "ReasonCode") || ""),
      EventAgentLogout: () => this.loggedOut(a),
      EventRegistered: () => this.registered(a),
      EventRinging: () => this.call(a, "RINGING"), EventDialing: () => this.call(a, "DIALING"),
      EventEstablished: () => this.call(a, "TALKING"), EventRetrieved: () => this.call(a, "TALKING"), EventHeld: () => this.call(a, "ON HOLD"),
      EventAttachedDataChanged: () => this.call(a), EventAddressInfo: () => this.call(a),
      EventPartyChanged: () => this.renamed(a),
      EventReleased: () => this.ended(a), EventAbandoned: () => this.ended(a),
      EventUserEvent: () => this.told(a.UserData || []),
    }[name];
    if (act) { act(); this.changed(name); }
  }

  is(work, reason = "") {
    if (work !== this.work || reason !== this.reason) this.since = Date.now();
    this.work = work; this.reason = reason;
  }

  loggedOut(a) {
    this.is("logged out");
    this.records.clear(); this.campaigns.clear();
    if (first(a.Reasons, "taken-over")) { this.takenOver = true; this.wanted = false; }
  }

  registered(a) {
    this.is(["logged out", "not ready", "ready", "not ready", "after-call work"][first(a.Extensions, "AgentStatus")] || this.work, this.reason);
    const there = new Set((a.Extensions || []).filter(pair => pair[0].startsWith("conn-")).map(pair => pair[1]));
    for (const connId of this.calls.keys()) if (!there.has(connId)) this.ended({ ConnID: connId });
    for (const connId of there) if (!this.calls.has(connId)) this.call({ ConnID: connId }, "TALKING");
  }

  call(a, phase) {
    const known = this.calls.get(a.ConnID);
    if (!known && !phase) return;
    const call = { connId: a.ConnID, phase: phase || known.phase, number: a.OtherDN || (known ? known.number : ""),
      userData: (a.UserData && a.UserData.length ? a.UserData : known ? known.userData : []) };
    this.calls.set(a.ConnID, call);
    const record = this.recordOf(call.userData);
    if (!record) return;
    const before = this.records.get(record.handle);
    this.records.set(record.handle, { ...record, origin: before ? before.origin : "call", connId: call.connId, over: false,
      talked: call.phase === "TALKING" || call.phase === "ON HOLD" || Boolean(before && before.connId === call.connId && before.talked) });
  }

  renamed(a) {
    const call = this.calls.get(a.PreviousConnID);
    if (call) {
      this.calls.delete(a.PreviousConnID);
      this.calls.set(a.ConnID, { ...call, connId: a.ConnID });
      for (const record of this.records.values()) if (record.connId === a.PreviousConnID) record.connId = a.ConnID;
    }
    this.call(a);
  }

  ended(a) {
    const call = this.calls.get(a.ConnID);
    if (!call) return;
    this.calls.delete(a.ConnID);
    for (const record of [...this.records.values()]) {
      if (record.connId !== a.ConnID) continue;
      if (record.talked || record.origin !== "call" || call.phase === "DIALING") record.over = true;
      else this.records.delete(record.handle);        // it only rang here
    }
  }

  recordOf(pairs) {
    const handle = Number(first(pairs, "GSW_RECORD_HANDLE"));
    if (!handle) return null;
    return { handle, pairs: pairs.filter(pair => pair[0] !== "GSW_USER_EVENT" && pair[0] !== "GSW_REFERENCE_ID"),
      phone: first(pairs, "GSW_PHONE") || "", campaign: first(pairs, "GSW_CAMPAIGN_NAME") || "",
      tone: first(pairs, "GSW_RING_TONE") || "", caller: first(pairs, "GSW_CPN_DIGITS") || "",
      zone: first(pairs, "GSW_TZ_NAME") || "", offset: first(pairs, "GSW_TZ_OFFSET"), attempts: first(pairs, "GSW_ATTEMPTS") || 0,
      fields: pairs.filter(pair => !CONTROL.test(pair[0]) && typeof pair[1] !== "object"), over: false, talked: false, connId: "" };
  }

  told(pairs) {
    const event = first(pairs, "GSW_USER_EVENT"), referenceId = first(pairs, "GSW_REFERENCE_ID");
    if (!event) return;
    const failed = first(pairs, "GSW_ERROR"), record = this.recordOf(pairs), campaign = first(pairs, "GSW_CAMPAIGN_NAME");
    if (!failed) {
      if (event === "ChainedRecord" && record) this.chained.push(record);
      if ((event === "PreviewRecord" || event === "ScheduledCall") && record && !this.records.has(record.handle))
        this.records.set(record.handle, { ...record, origin: event === "PreviewRecord" ? "preview" : "callback" });
      if (SETTLES.has(event) && record) this.records.delete(record.handle);
      if (event === "CampaignUnloaded") this.campaigns.delete(campaign);
      else if (event.startsWith("Campaign")) {
        const known = this.campaigns.get(campaign) || { mode: "", running: false, attendance: "there" };
        const running = { CampaignStarted: true, CampaignStopped: false, CampaignLoaded: false }[event];
        this.campaigns.set(campaign, { name: campaign, mode: first(pairs, "GSW_CAMPAIGN_MODE") || known.mode,
          running: running === undefined ? known.running : running, attendance: known.attendance });
      }
      if (ATTENDANCE[event] && this.campaigns.has(campaign)) this.campaigns.get(campaign).attendance = ATTENDANCE[event];
    }
    const asked = this.asked.get(referenceId);
    if (asked && event === "LogOutTime") {      // the answer waits for calls, and for this very agent
      clearTimeout(asked.timer);
      asked.timer = setTimeout(asked.overdue, LEAVING_TIMEOUT_MS);
      this.changed(event, pairs);
    }
    if (asked && (failed || COMPLETED_BY[asked.name] === "" || COMPLETED_BY[asked.name] === event)) {
      this.asked.delete(referenceId); clearTimeout(asked.timer);
      if (failed) asked.reject(new Refused(first(pairs, "GSW_ERROR_NUMBER"), failed)); else asked.resolve(pairs);
    } else if (!asked) this.changed(event, pairs);
  }
}
