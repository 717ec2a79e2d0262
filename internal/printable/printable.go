// Package printable writes text from outside, such as the name of a file, so
// that it stays on its line and a terminal obeys nothing in it.
package printable

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Text returns text with every sign that would not be seen written as in Go:
// control characters, what changes the direction of writing, spaces other than
// the usual one, and bytes that are no UTF-8. "a\x1b[2J" shows its escape.
func Text(text string) string { return escaped(text, "") }

// Lines is Text for text that is laid out with newlines and tabs.
func Lines(text string) string { return escaped(text, "\n\t") }

func escaped(text, kept string) string {
	hidden := func(r rune) bool { return isHidden(r) && !strings.ContainsRune(kept, r) }
	if strings.IndexFunc(text, hidden) < 0 && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case hidden(r):
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteRune(r)
		}
		text = text[size:]
	}
	return b.String()
}

func isHidden(r rune) bool { return !unicode.IsPrint(r) }

// JSON does the same for JSON that is laid out on lines: its texts keep their
// meaning.
func JSON(text []byte) []byte {
	var b []byte
	for _, r := range string(text) {
		switch {
		case r == '\n' || !isHidden(r):
			b = utf8.AppendRune(b, r)
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			b = fmt.Appendf(b, `\u%04x\u%04x`, high, low)
		default:
			b = fmt.Appendf(b, `\u%04x`, r)
		}
	}
	return b
}

// Error returns err, printed as Text prints it.
func Error(err error) error {
	if err == nil || err.Error() == Text(err.Error()) {
		return err
	}
	return printed{err}
}

type printed struct{ error }

func (p printed) Error() string { return Text(p.error.Error()) }
func (p printed) Unwrap() error { return p.error }

// Writer writes to w what Lines makes of each text that is written to it.
func Writer(w io.Writer) io.Writer { return writer{w} }

type writer struct{ to io.Writer }

func (w writer) Write(text []byte) (int, error) {
	if _, err := io.WriteString(w.to, Lines(string(text))); err != nil {
		return 0, err
	}
	return len(text), nil
}
