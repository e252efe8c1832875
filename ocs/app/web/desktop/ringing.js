"use strict";
// How a call rings: a short melody, again and again until the call is taken. Each name of a tone has a melody of its own, made of the
// name, so that every desktop plays the same for it; without a name it is the usual double ring. Nothing is loaded: WebAudio makes it.

const ROUND_MS = 3000, VOLUME = 0.15;
const SCALE = [0, 2, 4, 7, 9, 12, 14, 16];      // semitones: whatever is picked of a pentatonic scale, sounds well

// [frequency in Hz, begin and length in s] of each note
function melody(name) {
  if (!name) return [0, 0.6].flatMap(begin => [440, 480].map(frequency => [frequency, begin, 0.4]));
  let hash = 0x811c9dc5;                          // FNV-1a: names that differ by a letter differ in all notes
  for (const each of name) hash = Math.imul(hash ^ each.codePointAt(0), 0x01000193) >>> 0;
  return [0, 1, 2, 3, 4].map(place => [523.25 * 2 ** (SCALE[(hash >>> (4 * place + 3)) % SCALE.length] / 12), 0.18 * place, 0.16]);
}

class Ringing {
  constructor() {
    this.tone = null;                             // what rings, "" is the usual tone, null nothing
    this.muted = localStorage.getItem("desktop-muted") === "yes";
    this.context = this.gain = null;
    this.timer = 0;
  }

  // Browsers let a page sound only from a key or a click on.
  unlock() {
    this.context = this.context || new AudioContext();
    this.context.resume().catch(() => undefined);
  }

  start(tone) {
    if (this.tone === tone) return;
    this.stop();
    this.tone = tone;
    const round = () => { this.once(tone); this.timer = setTimeout(round, ROUND_MS); };
    round();
  }

  stop() {
    clearTimeout(this.timer);
    if (this.tone !== null) this.silence();
    this.tone = null;
  }

  silence() {
    if (this.gain) this.gain.disconnect();
    this.gain = null;
  }

  once(tone) {
    this.silence();
    if (this.muted || !this.context) return;
    const now = this.context.currentTime + 0.02;
    this.gain = this.context.createGain();
    this.gain.connect(this.context.destination);
    for (const [frequency, begin, length] of melody(tone)) {
      const note = this.context.createOscillator(), loudness = this.context.createGain();
      note.frequency.value = frequency;
      loudness.gain.setValueAtTime(0, now + begin);
      loudness.gain.linearRampToValueAtTime(VOLUME, now + begin + 0.02);
      loudness.gain.setValueAtTime(VOLUME, now + begin + length - 0.03);
      loudness.gain.linearRampToValueAtTime(0, now + begin + length);
      note.connect(loudness).connect(this.gain);
      note.start(now + begin);
      note.stop(now + begin + length);
    }
  }

  mute(muted) {
    this.muted = muted;
    localStorage.setItem("desktop-muted", muted ? "yes" : "no");
    if (muted) this.silence();
  }
}
