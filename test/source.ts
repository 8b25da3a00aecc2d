// Source text with comments, strings and regular expressions blanked, so that a lint sees code only.

const REGEX_MAY_START = /(?:^|[(,=:[!&|?{};<>+\-*%~^]|\b(?:return|typeof|case|in|of|yield|await|throw|new|delete|void))\s*$/

/** As long as `text` and with the same lines; a string keeps its quotes. */
export function blanked(text: string): string {
  let out = ''
  let at = 0
  const skip = (end: number, keep = 0) => {
    out += text.slice(at, at + keep) + text.slice(at + keep, end - keep).replace(/[^\n]/g, ' ') + text.slice(end - keep, end)
    at = end
  }
  const match = (pattern: RegExp) => {
    pattern.lastIndex = at
    return pattern.exec(text)?.[0].length ?? 0
  }
  // where a template's ${ began: the brace depth outside it
  const templates: number[] = []
  let depth = 0
  while (at < text.length) {
    const c = text[at]
    const comment = c === '/' ? match(/\/\/.*|\/\*[\s\S]*?\*\//y) : 0
    const regex = c === '/' && !comment && REGEX_MAY_START.test(out.trimEnd().slice(-12)) ? match(/\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n])+\/[a-z]*/y) : 0
    const string = c === "'" || c === '"' ? match(/(['"])(?:\\[\s\S]|(?!\1)[^\\\n])*\1/y) : 0
    if (comment || regex) skip(at + (comment || regex))
    else if (string) skip(at + string, 1)
    else if (c === '`' || (c === '}' && templates.at(-1) === depth)) {
      if (c === '}') templates.pop()
      const n = match(/[`}](?:\\[\s\S]|\$(?!\{)|[^`\\$])*(?:`|\$\{)/y) || 1
      if (text.startsWith('${', at + n - 2)) templates.push(depth)
      skip(at + n, 1)
    } else {
      if (c === '{') depth++
      else if (c === '}') depth--
      out += c
      at++
    }
  }
  return out
}
