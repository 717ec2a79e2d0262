package console

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// What errors of dependencies say is for whoever looks for the cause, and may hold
// what is for nobody: addresses with passwords, tokens, numbers of cards. What looks
// like that is left out; who wants it otherwise has [DescribeErrors].
var secrets = []struct {
	pattern *regexp.Regexp
	with    string
}{
	// user:password@host, also where the password has signs of its own
	{regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://)[^\s"']*@`), "$1…@"},
	{regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://[^\s?#"']*)[?#][^\s"']*`), "$1?…"},
	{regexp.MustCompile(`(?i)\b(authorization|proxy-authorization|cookie|set-cookie)(["']?\s*[:=]\s*)[^\r\n]+`), "$1$2…"},
	{regexp.MustCompile(`(?i)\b(bearer|basic)\s+[a-z0-9+/=_.~-]{4,}`), "$1 …"},
	{regexp.MustCompile(`(?i)([a-z0-9_-]*(?:password|passwd|pwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential|session)[a-z0-9_-]*)(["']?\s*[:=]\s*)("[^"]*"|'[^']*'|[^\s,;&)}\]]+)`), "$1$2…"},
	{regexp.MustCompile(`\b[0-9](?:[ -]?[0-9]){11,18}\b`), "…"},
	{regexp.MustCompile(`\b(?:[A-Za-z0-9_-]{8,}\.){2}[A-Za-z0-9_-]{8,}`), "…"},
	{regexp.MustCompile(`\b[A-Fa-f0-9]{32,}`), "…"},
}

// base64 is what a key looks like, and a long path, if that has no capitals. Who is
// told that a profile is wrong must see which.
var base64 = regexp.MustCompile(`\b[A-Za-z0-9+/_]{40,}={0,2}`)

func unlessPath(text string) string {
	if strings.Contains(text, "/") && strings.ToLower(text) == text {
		return text
	}
	return "…"
}

const (
	maxText = 300  // bytes of a text that is shown
	maxRead = 4096 // bytes of an error that are looked at
)

// redact returns what may be shown of an error's text.
func redact(text string) string {
	text = cut(text, maxRead)
	for _, s := range secrets {
		text = s.pattern.ReplaceAllString(text, s.with)
	}
	text = base64.ReplaceAllStringFunc(text, unlessPath)
	return cut(plain(text), maxText)
}

// plain puts all on one line, without signs that steer a terminal or turn the
// direction of writing.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == utf8.RuneError,
			r >= 0x200e && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return -1
		}
		return r
	}, text)
}

func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most] + "…"
}
