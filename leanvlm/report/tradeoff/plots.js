// Say what a point is, to the mouse, the finger and the arrow keys; without this script its title does.
{
  const tip = document.createElement("p");
  tip.className = "tip";
  tip.hidden = true;
  tip.role = "status";
  document.body.append(tip);
  const hide = () => { tip.hidden = true; };
  const tell = (point) => {
    tip.textContent = point.getAttribute("aria-label");
    tip.hidden = false;
    const [at, box, width] = [point.getBoundingClientRect(), tip.getBoundingClientRect(), document.documentElement.clientWidth];
    const left = Math.min(Math.max(8, at.left + at.width / 2 - box.width / 2), width - box.width - 8);
    const above = at.top - box.height - 8;
    tip.style.left = `${left + scrollX}px`;
    tip.style.top = `${(above > 0 ? above : at.bottom + 8) + scrollY}px`;
  };
  for (const plot of document.querySelectorAll("svg.plot")) {
    const points = [...plot.querySelectorAll("g.point")].filter((point) => point.querySelector("title"));
    points.sort((a, b) => a.transform.baseVal[0].matrix.e - b.transform.baseVal[0].matrix.e);
    points.forEach((point, index) => {
      const title = point.querySelector("title");
      point.setAttribute("aria-label", title.textContent);
      point.setAttribute("role", "img");
      point.setAttribute("tabindex", index ? "-1" : "0"); // one stop a plot, arrows within it
      title.remove();
      point.addEventListener("pointerenter", () => tell(point));
      point.addEventListener("pointerleave", hide);
      point.addEventListener("focus", () => tell(point));
      point.addEventListener("blur", hide);
      point.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
        if (event.key === "Escape") hide();
        if (!step) return;
        event.preventDefault();
        points[(index + step + points.length) % points.length].focus();
      });
    });
    if (points.length) plot.setAttribute("role", "group");
  }
}
