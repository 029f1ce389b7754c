(() => {
  const box = document.getElementById("filter");
  const rows = Array.from(document.querySelectorAll("table.filtered tbody tr"));
  const count = document.getElementById("count");
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const show = () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, at) => {
      row.hidden = !words.every((word) => texts[at].includes(word));
      shown += row.hidden ? 0 : 1;
    });
    count.textContent = `${shown} of ${rows.length} tags shown`;
  };
  box.form.hidden = false;
  box.form.addEventListener("submit", (event) => event.preventDefault());
  box.addEventListener("input", show);
  if (box.value) show();
})();
