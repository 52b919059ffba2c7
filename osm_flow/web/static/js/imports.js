// Work that takes long shows that it goes on: a bar, which fills where the server says how far it is.
"use strict";

(() => {
  const follow = (address, bar) => {
    const ask = async () => {
      try {
        const answer = await fetch(address, { headers: { Accept: "application/json" } });
        const { done, total } = await answer.json();
        if (total > 0) {
          bar.max = total;
          bar.value = done;
        }
      } catch {
        // The work itself goes on; the bar stays as it is.
      }
      window.setTimeout(ask, 700);
    };
    window.setTimeout(ask, 700);
  };

  for (const form of document.querySelectorAll("form[data-long-work]")) {
    form.addEventListener("submit", () => {
      const told = form.querySelector("[data-progress]");
      told.hidden = false;
      if (form.dataset.longWork) {
        follow(form.dataset.longWork, told.querySelector("progress"));
      }
    });
  }
})();
