// Light or dark: as the system says, or as the reader chose. Loaded before anything is drawn, so that nothing flashes.
(() => {
  const root = document.documentElement;
  const next = { auto: "light", light: "dark", dark: "auto" };
  const words = { auto: ["Auto", "as the system"], light: ["Light", "light"], dark: ["Dark", "dark"] };

  // Browsers may refuse storage; the choice then lasts as long as the page.
  const stored = () => { try { return localStorage.getItem("hub.theme"); } catch { return null; } };
  const store = (theme) => { try { localStorage.setItem("hub.theme", theme); } catch { /* as said */ } };

  let theme = words[stored()] ? stored() : "auto";
  const changed = () => window.dispatchEvent(new Event("hub-theme"));
  const apply = () => {
    if (theme === "auto") delete root.dataset.theme; else root.dataset.theme = theme;
    const button = document.getElementById("theme");
    if (button) {
      button.textContent = words[theme][0];
      button.setAttribute("aria-label", `Colours: ${words[theme][1]}`);
    }
    changed();
  };

  apply();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  document.addEventListener("DOMContentLoaded", () => {
    document.getElementById("theme").addEventListener("click", () => {
      theme = next[theme];
      store(theme);
      apply();
    });
    apply();
  });
})();
