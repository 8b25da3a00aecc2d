// Strings that are more than strings, by their bytes: what the scan takes for each type, no more.

/** `yyyy-MM-dd`, a day of the calendar. */
export function isDate(bytes: Uint8Array, at: number): boolean {
  const [year, month, day] = [digitsAt(bytes, at, 4), digitsAt(bytes, at + 5, 2), digitsAt(bytes, at + 8, 2)]
  return bytes[at + 4] === 0x2d && bytes[at + 7] === 0x2d && year >= 0 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month)
}

/** `yyyy-MM-ddTHH:mm:ss[.f]zone`: with more than 6 digits of fraction a microsecond column would cut it. */
export function isTime(bytes: Uint8Array, at: number, end: number): boolean {
  if (!isDate(bytes, at) || bytes[at + 13] !== 0x3a || bytes[at + 16] !== 0x3a) return false
  const [hour, minute, second] = [digitsAt(bytes, at + 11, 2), digitsAt(bytes, at + 14, 2), digitsAt(bytes, at + 17, 2)]
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return false
  let p = at + 19
  if (bytes[p] === 0x2e) {
    const from = ++p
    while (bytes[p] >= 0x30 && bytes[p] <= 0x39) p++
    if (p === from || p - from > 6) return false
  }
  if (bytes[p] === 0x5a) return p + 1 === end
  if ((bytes[p] !== 0x2b && bytes[p] !== 0x2d) || p + 6 !== end || bytes[p + 3] !== 0x3a) return false
  const [hours, minutes] = [digitsAt(bytes, p + 1, 2), digitsAt(bytes, p + 4, 2)]
  return hours >= 0 && hours <= 23 && minutes >= 0 && minutes <= 59
}

/** 8-4-4-4-12 digits, lower case: a UUID column gives back no other text. */
export function isUuid(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < 36; i++) {
    const c = bytes[at + i]
    const dash = i === 8 || i === 13 || i === 18 || i === 23
    if (dash ? c !== 0x2d : !((c >= 0x30 && c <= 0x39) || (c >= 0x61 && c <= 0x66))) return false
  }
  return true
}

/** The whole number in `size` digits, -1 where one is none. */
function digitsAt(bytes: Uint8Array, at: number, size: number): number {
  let value = 0
  for (let p = at; p < at + size; p++) {
    const digit = bytes[p] - 0x30
    if (!(digit >= 0 && digit <= 9)) return -1
    value = value * 10 + digit
  }
  return value
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}
