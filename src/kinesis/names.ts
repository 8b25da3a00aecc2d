import type { Random } from '../ports/ports.js'

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** A name that nobody else has: 103 bits of chance. */
export const randomName = (random: Random): string => Array.from({ length: 20 }, () => LETTERS[Math.floor(random.next() * LETTERS.length)]).join('')
