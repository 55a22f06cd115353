/** A span of time as people say it: `45 s`, `4 min 10 s`, `2 h 5 min`, `3 d`. */
export const span = (ms: number): string => {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  const [minutes, hours, days] = [seconds / 60, seconds / 3_600, seconds / 86_400].map(Math.floor);
  if (minutes === undefined || hours === undefined || days === undefined || minutes < 1)
    return `${String(seconds)} s`;
  if (hours < 1) return `${String(minutes)} min ${String(seconds % 60)} s`;
  return days < 1 ? `${String(hours)} h ${String(minutes % 60)} min` : `${String(days)} d`;
};
