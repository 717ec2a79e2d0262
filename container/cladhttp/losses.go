package cladhttp

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
)

// losses tell failures that are one event from others. A server that is restarted
// ends all that is under way with it at once: to breakers that is one failure, and
// each that comes after it another.
type losses struct {
	count atomic.Uint64
	mu    sync.Mutex
	last  map[string]uint64 // by host: the count at its last
}

// manyHosts is how many are remembered at most.
const manyHosts = 1000

// now returns what an attempt that begins is to tell known.
func (l *losses) now() uint64 { return l.count.Load() }

// known notes that what began at a count of losses got no answer, or not the whole,
// and reports whether a loss at the same host since explains that.
func (l *losses) known(host string, began uint64, err error) bool {
	if !isLoss(err) {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last[host] > began {
		return true
	}
	if l.last == nil || len(l.last) >= manyHosts {
		l.last = make(map[string]uint64)
	}
	l.last[host] = l.count.Add(1)
	return false
}

// isLoss reports whether an error is of a connection that was lost in the middle of
// an exchange: there was one, nobody's time was over, and it is not one stream of a
// connection that goes on.
func isLoss(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		return true
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Op != "dial" && !op.Timeout()
	}
	text := err.Error() // net/http has no types for these
	return strings.HasPrefix(text, "http: server closed idle connection") || strings.HasPrefix(text, "http2: server sent GOAWAY") ||
		strings.HasPrefix(text, "http2: client connection ")
}
