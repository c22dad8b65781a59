"use strict";
// Opened beside a page whose session had ended: tells it the new session's token, then closes. Only pages of this origin hear it.
new BroadcastChannel("fupan-login").postMessage(document.querySelector('meta[name="csrf-token"]').content);
window.close();
