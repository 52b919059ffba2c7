// Small comforts of the shell; every page works without them.
(() => {
  const menus = () => document.querySelectorAll("details.menu[open]");
  document.addEventListener("click", (event) => {
    menus().forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menus().forEach((menu) => { menu.open = false; menu.querySelector("summary").focus(); });
  });

  const note = document.getElementById("offline-note");
  const tell = () => { note.hidden = navigator.onLine; };
  window.addEventListener("online", tell);
  window.addEventListener("offline", tell);
  tell();

  document.querySelector("[data-focus]")?.focus();

  // htmx requests are POSTs of this session too: they carry its token.
  const token = document.querySelector('input[name="csrf_token"]')?.value;
  document.body.addEventListener("htmx:configRequest", (event) => {
    if (token && event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = token;
  });
})();
