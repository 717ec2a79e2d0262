// The chosen theme, before anything is drawn. "auto" is what the system says.
"use strict";
(() => {
  let chosen = "auto";
  try {
    chosen = localStorage.getItem("clad-theme") || "auto";
  } catch { /* nothing is kept in this browser */ }
  document.documentElement.dataset.theme = chosen;
})();
