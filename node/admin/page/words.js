// Numbers and times as people read them.

const THIN = " ";

export function count(value) {
  return Number.isFinite(value) ? String(value).replace(/\B(?=(\d{3})+(?!\d))/g, THIN) : "–";
}

export function ms(value) {
  if (!Number.isFinite(value)) return "–";
  if (value >= 10000) return span(value / 1000);
  return `${value >= 100 ? Math.round(value) : value.toFixed(1)}${THIN}ms`;
}

export function bytes(value) {
  if (!Number.isFinite(value)) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  for (; value >= 1024 && at < units.length - 1; at += 1) value /= 1024;
  return `${at && value < 100 ? value.toFixed(1) : Math.round(value)}${THIN}${units[at]}`;
}

export function span(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s}${THIN}s`;
  if (s < 3600) return `${Math.floor(s / 60)}${THIN}min ${s % 60}${THIN}s`;
  if (s < 86400) return `${Math.floor(s / 3600)}${THIN}h ${Math.floor((s % 3600) / 60)}${THIN}min`;
  return `${Math.floor(s / 86400)}${THIN}d ${Math.floor((s % 86400) / 3600)}${THIN}h`;
}

export function clock(milliseconds) {
  return new Date(milliseconds).toISOString().slice(11, 19);
}

export function many(number, one, more = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : more}`;
}
