// Moments stand in the page in UTC; here they are put into the time of whoever reads it.
const two = (n) => String(n).padStart(2, "0");
for (const place of document.querySelectorAll("time.moment")) {
  const at = new Date(place.dateTime);
  place.textContent = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
}
