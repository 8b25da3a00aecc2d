// The README's programs, so that what it shows is what the tests run.
import { readFileSync } from 'node:fs'

const README = new URL('../README.md', import.meta.url)

/** The fenced block `index` of the language, as written. */
function block(language: string, index = 0): string {
  const found = [...readFileSync(README, 'utf8').matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))][index]
  if (!found) throw new Error(`README.md has no \`\`\`${language} block ${index}`)
  return found[1]
}

export const readmeProgram = (index = 0): string => block('js', index)
/** What the README says that it prints. */
export const readmeOutput = (index = 0): string => block('console', index).replace(/^\$ .*\n/, '')
export const readmePage = (): string => block('html')
