(() => {
const tip = document.createElement("div"), REACH = 40;
tip.className = "tip";
tip.setAttribute("role", "status");
document.body.append(tip);
const hide = () => { tip.textContent = ""; document.querySelectorAll(".now").forEach(one => one.classList.remove("now")); };
document.querySelectorAll("svg.plot").forEach(svg => {
  const marks = [...svg.querySelectorAll("title")].map(title => {
    const one = {node: title.parentNode, said: title.textContent};
    title.remove();
    return one;
  });
  if (!marks.length) return;
  let at = -1;
  const measure = () => {
    if (!marks[0].box) marks.forEach(one => { one.box = one.node.getBBox(); });
  };
  const show = index => {
    if (index === at && tip.textContent) return;
    hide();
    at = index;
    const {node, said} = marks[at], place = node.getBoundingClientRect();
    node.classList.add("now");
    tip.textContent = said;
    const left = place.left + place.width / 2 - tip.offsetWidth / 2;
    tip.style.left = Math.max(6, Math.min(left, innerWidth - tip.offsetWidth - 6)) + "px";
    const above = Math.min(place.top, innerHeight) - tip.offsetHeight - 8;
    tip.style.top = (above > 4 ? above : Math.min(place.bottom + 8, innerHeight - tip.offsetHeight - 6)) + "px";
  };
  const nearest = event => {
    const direct = marks.findIndex(one => one.node === event.target);
    if (direct >= 0) return direct;
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    let best = -1, least = REACH * REACH;
    measure();
    marks.forEach(({box}, index) => {
      const x = box.x + box.width / 2 - point.x, y = box.y + box.height / 2 - point.y;
      if (x * x + y * y < least) { least = x * x + y * y; best = index; }
    });
    return best;
  };
  svg.addEventListener("pointermove", event => { const found = nearest(event); found < 0 ? hide() : show(found); });
  svg.addEventListener("pointerdown", event => { const found = nearest(event); if (found >= 0) show(found); });
  svg.addEventListener("pointerleave", hide);
  svg.addEventListener("blur", hide);
  svg.addEventListener("focus", () => { if (svg.matches(":focus-visible")) show(Math.max(at, 0)); });
  svg.addEventListener("keydown", event => {
    const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key], last = marks.length - 1;
    if (event.key === "Escape") return hide();
    const next = event.key === "Home" ? 0 : event.key === "End" ? last : step ? Math.max(0, Math.min(last, at + step)) : -1;
    if (next < 0) return;
    event.preventDefault();
    show(next);
  });
  svg.tabIndex = 0;
  svg.setAttribute("aria-label", svg.getAttribute("aria-label") + ". The arrow keys read its values.");
});
document.querySelectorAll(".keys").forEach(one => { one.hidden = false; });
addEventListener("scroll", hide, {passive: true});
const opened = [];
addEventListener("beforeprint", () => document.querySelectorAll("details.print:not([open])").forEach(one => { one.open = true; opened.push(one); }));
addEventListener("afterprint", () => opened.splice(0).forEach(one => { one.open = false; }));
})();
