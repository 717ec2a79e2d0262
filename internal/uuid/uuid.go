// Package uuid makes random identifiers in the form that most services take for an
// idempotency key.
package uuid

import (
	"crypto/rand"
	"encoding/hex"
)

// New returns a random UUID (RFC 9562, version 4): 122 bits of crypto/rand.
func New() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails: the process ends first
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	text := hex.EncodeToString(b[:])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}
