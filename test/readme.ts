// The README's programs, so that what it shows is what the tests run.
import { readFileSync } from 'node:fs'

const README = new URL('../README.md', import.meta.url)

/** The first fenced block of the language, as written. */
function block(language: string): string {
  const found = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(readFileSync(README, 'utf8'))
  if (!found) throw new Error(`README.md has no \`\`\`${language} block`)
  return found[1]
}

export const readmeProgram = (): string => block('js')
/** What the README says that it prints. */
export const readmeOutput = (): string => block('console').replace(/^\$ .*\n/, '')
export const readmePage = (): string => block('html')
