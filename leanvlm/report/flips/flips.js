// Filter the flips and show a dozen at a time; without this script all of them are shown.
{
  const form = document.querySelector("form.filters");
  const more = document.querySelector("button.more");
  const flips = [...document.querySelectorAll("article.flip")];
  const STEP = 12;
  let n_shown = STEP;
  const show = () => {
    const wanted = [...new FormData(form)].filter(([, value]) => value !== "");
    const found = flips.filter((flip) => wanted.every(([name, value]) => flip.dataset[name] === value));
    const shown = new Set(found.slice(0, n_shown));
    for (const flip of flips) flip.hidden = !shown.has(flip);
    form.querySelector("output").value = `${shown.size} of ${found.length} shown`;
    more.hidden = shown.size === found.length;
    return found;
  };
  if (form) {
    form.hidden = false;
    form.addEventListener("change", () => { n_shown = STEP; show(); });
    more.addEventListener("click", () => {
      const first = n_shown;
      n_shown += STEP;
      const next = show()[first];
      next.tabIndex = -1; // reading goes on where it stopped, for the keyboard too
      next.focus();
    });
    show();
  }
}
